"""CPU seconds to start: `vlmbench --help` and `vlmbench list`, beside a bare interpreter and `import dagster`.

Run: python benchmarks/startup.py
"""

import os
import subprocess
import sys
from pathlib import Path

RUNS = 5
ROOT = Path(__file__).resolve().parents[1]
COLUMNS = {
    "python -c pass": ["-c", "pass"],
    "import dagster": ["-c", "import dagster"],
    "vlmbench --help": ["-m", "vlmbench_assets.cli", "--help"],
    "vlmbench list models": ["-m", "vlmbench_assets.cli", "list", "models"],
    "vlmbench status": ["-m", "vlmbench_assets.cli", "status"],
}


def cpu_seconds(arguments: list[str]) -> float:
    """CPU time of one process, user and system."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    base = 0.0
    for name, arguments in COLUMNS.items():
        best = min(cpu_seconds(arguments) for _ in range(RUNS))
        base = best if name == "import dagster" else base
        ratio = f"{best / base:.2f} of import dagster" if base else ""
        print(f"{name:24} {best:6.2f} s CPU  {ratio}")


if __name__ == "__main__":
    main()
