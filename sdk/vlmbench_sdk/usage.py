"""What a worker uses while it runs: processor, memory, and GPUs where `nvidia-smi` is there."""

import os
import select
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from vlmbench_sdk.records import Record

USAGE = "usage.json"
"""A `Usage`, rewritten about once a second beside the journal."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20


class Usage(Record):
    """Peaks and means of a worker and of everything it started; None where nothing was measured."""

    samples: int = 0
    """How many times it was measured, about once a second."""
    seconds: float = 0.0
    """From the first to the last measurement."""
    cpu_s: float = 0.0
    """Processor seconds, all cores added up."""
    cpu_peak: float | None = None
    """Cores in use in the busiest second."""
    cpu_mean: float | None = None
    """Cores in use on average."""
    memory_peak_mib: float | None = None
    """Resident memory of its processes together; pages they share count for each."""
    memory_mean_mib: float | None = None
    gpus: int = 0
    """GPUs seen."""
    gpu_memory_peak_mib: float | None = None
    """Memory in use on all its GPUs together."""
    gpu_memory_mean_mib: float | None = None
    gpu_busy_peak: float | None = None
    """Share of time in which the GPUs worked, in [0, 1], averaged over them."""
    gpu_busy_mean: float | None = None


class UsageMeter:
    """Measures one process with all its descendants."""

    def __init__(self, pid: int) -> None:
        """Start with nothing measured."""
        self._pid = pid
        self._started = self._last = time.monotonic()
        self._cpu: dict[int, float] = {}
        self._peaks: dict[str, float] = {}
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._samples = 0
        self._gpus = _GpuMeter()

    def measure(self) -> None:
        """Look once."""
        now = time.monotonic()
        before = sum(self._cpu.values())
        resident = 0
        for pid in _tree(self._pid):
            with suppress(OSError, IndexError, ValueError):
                cpu_s, pages = _process(pid)
                # Kept by process, so that those that ended still count.
                self._cpu[pid] = max(cpu_s, self._cpu.get(pid, 0.0))
                resident += pages
        cores = (sum(self._cpu.values()) - before) / max(now - self._last, 1e-3)
        self._samples, self._last = self._samples + 1, now
        self._note("cpu", cores)
        self._note("memory", resident * _PAGE / _MIB)
        for name, value in self._gpus.read().items():
            self._note(name, value)

    def usage(self) -> Usage:
        """What was found so far."""
        seconds, cpu_s = self._last - self._started, sum(self._cpu.values())
        return Usage(
            samples=self._samples,
            seconds=round(seconds, 3),
            cpu_s=round(cpu_s, 3),
            cpu_peak=self._peak("cpu"),
            cpu_mean=round(cpu_s / seconds, 3) if self._samples and seconds else None,
            memory_peak_mib=self._peak("memory"),
            memory_mean_mib=self._mean("memory"),
            gpus=self._gpus.count,
            gpu_memory_peak_mib=self._peak("gpu_memory"),
            gpu_memory_mean_mib=self._mean("gpu_memory"),
            gpu_busy_peak=self._peak("gpu_busy"),
            gpu_busy_mean=self._mean("gpu_busy"),
        )

    def write(self, path: Path) -> None:
        """Replace the file in one step, so that nobody reads half of it."""
        if self._samples:
            aside = path.with_name(f".{path.name}")
            # Made anew: the worker may have put a link or a pipe there.
            aside.unlink(missing_ok=True)
            with aside.open("x", encoding="utf-8") as file:
                file.write(self.usage().model_dump_json())
            aside.replace(path)

    def close(self) -> None:
        """End what it started."""
        if self._gpus.process is not None:
            self._gpus.process.kill()

    def _note(self, name: str, value: float) -> None:
        self._peaks[name] = max(value, self._peaks.get(name, value))
        self._sums[name] = self._sums.get(name, 0.0) + value
        self._counts[name] = self._counts.get(name, 0) + 1

    def _peak(self, name: str) -> float | None:
        return round(self._peaks[name], 3) if name in self._peaks else None

    def _mean(self, name: str) -> float | None:
        return round(self._sums[name] / self._counts[name], 3) if name in self._counts else None


class _GpuMeter:
    """One `nvidia-smi` that reports every second, because starting it anew takes longer than that.

    Measures the GPUs that the worker was given, which `CUDA_VISIBLE_DEVICES` names; without it, none.
    """

    QUERY = ("--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits", "--loop=1")

    def __init__(self) -> None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        program = shutil.which("nvidia-smi") if visible else None
        self.count = len(visible.split(",")) if program else 0
        self.process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        if program:
            with suppress(OSError):
                self.process = subprocess.Popen(
                    [program, f"--id={visible}", *self.QUERY],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )

    def read(self) -> dict[str, float]:
        """The newest line of each GPU, added up."""
        if self.process is None or self.process.stdout is None:
            return {}
        pipe = self.process.stdout.fileno()
        while select.select([pipe], [], [], 0)[0] and (found := os.read(pipe, 1 << 16)):
            self._rest += found
        *lines, self._rest = self._rest.split(b"\n")
        newest = [row for row in map(_numbers, lines) if row][-self.count :]
        if not newest:
            return {}
        memory, busy = zip(*newest, strict=True)
        return {"gpu_memory": sum(memory), "gpu_busy": sum(busy) / len(busy) / 100}


def _numbers(line: bytes) -> tuple[float, float] | None:
    try:
        memory, busy = (float(part) for part in line.split(b","))
    except ValueError:
        return None
    return memory, busy


def _tree(root: int) -> list[int]:
    """A process and its descendants."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting.extend(int(child) for child in (task / "children").read_text(encoding="ascii").split())
    return found


def _process(pid: int) -> tuple[float, int]:
    """Processor seconds and resident pages of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21])
