"""What one cell costs beyond the model's own work, in time and memory.

The echo model answers in no time, so all that a run takes is ours. Beside it stands the floor: the same
worker on the same requests without Dagster, tables, scores or report.

Run: python benchmarks/overhead.py [SAMPLES]
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def write_workspace(root: Path, samples: int) -> None:
    """A workspace with the echo model and so many samples."""
    files = {
        "models/echo": "plugin: echo\noptions: {answer: '{field}'}\n",
        "datasets/many": "reader: jsonl\nsource: source\n",
        "benchmarks/b": "models: [echo]\ndatasets: [many]\nmetrics: [exact_match, anls, cer]\nheadline: anls\n",
    }
    for name, text in files.items():
        path = root / "registries" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "source").mkdir()
    (root / "source/page.png").write_bytes(b"")
    with (root / "source/samples.jsonl").open("w", encoding="utf-8") as file:
        for index in range(samples):
            said = [{"role": "user", "content": "Total?"}, {"role": "assistant", "content": f"{index}.00"}]
            sample = {"id": f"s{index}", "doc_id": f"d{index // 4}", "field": f"f{index % 4}"}
            file.write(json.dumps(sample | {"images": ["page.png"], "messages": said}) + "\n")


def timed(arguments: list[str], cwd: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=cwd, check=True, capture_output=True)
    wall, after = time.perf_counter() - started, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [10, 2000, 10_000]
    print(f"{'samples':>8} {'run wall s':>10} {'run CPU s':>9} {'worker alone s':>14} {'ms/sample beyond it':>20}")
    for samples in counts:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_workspace(root, samples)
            wall, cpu = timed(["-m", "vlmbench_assets.cli", "run"], root)
            work = root / "data/answers/echo/many/work"
            (work / "journal.jsonl").unlink()
            floor, _ = timed(["-m", "vlmbench_sdk.runner", str(work / "job.json")], root)
            beyond = 1000 * (wall - floor) / samples
            print(f"{samples:8} {wall:10.1f} {cpu:9.1f} {floor:14.1f} {beyond:20.2f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of the largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
