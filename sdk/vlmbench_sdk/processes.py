"""Tell a process from a later one with the same id."""

import os
import subprocess
from pathlib import Path


def process_identity(pid: int) -> str:
    """When a process of this machine started, in words that only serve to compare; empty when it is not there.

    A zombie counts as gone. On Linux the boot's own id is part of it, because ticks begin anew with each start of
    the machine.
    """
    if not Path("/proc/self").exists():
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        done = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False)
        return done.stdout.strip()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program stands in brackets, and may hold anything.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return ""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()} {fields[19]}"
