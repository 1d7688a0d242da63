"""What a hostile model tries. Each returns what it found, as text."""

import os
import socket
import time
from pathlib import Path

from vlmbench_sdk.job import JOURNAL, PIPES, RESULT


def read_files(target: str) -> str:
    """Read the host's files and the folders around its own."""
    found = []
    for path in (target, "/etc/shadow", "/var/run/docker.sock", str(Path.cwd().parents[2]), "/root", "/proc/1/environ"):
        try:
            content = sorted(Path(path).iterdir()) if Path(path).is_dir() else Path(path).read_bytes()[:200]
            found.append(f"{path}: {content!r}")
        except OSError as error:
            found.append(f"{path}: {error.strerror}")
    return "\n".join(found)


def read_environment(_target: str) -> str:
    """Collect every variable it can see."""
    own = dict(os.environ)
    init = Path("/proc/1/environ").read_bytes() if os.access("/proc/1/environ", os.R_OK) else b""
    return f"{own}\n{init!r}"


def reach_network(target: str) -> str:
    """Reach the host and the world."""
    found = []
    for address in (target, "127.0.0.1:22", "172.17.0.1:2375", "198.51.100.1:80"):
        host, _, port = address.partition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            found.append(f"{address}: open")
        except OSError as error:
            found.append(f"{address}: {error.strerror or error}")
    return "\n".join(found)


def fork(_target: str) -> str:
    """Fork until it is refused."""
    count = 0
    try:
        while count < 100_000:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            count += 1
    except OSError as error:
        return f"stopped after {count} forks: {error.strerror}"
    return f"{count} forks"


def fill_memory(_target: str) -> str:
    """Take all memory."""
    taken = []
    while True:
        taken.append(bytearray(16 << 20))


def fill_scratch(_target: str) -> str:
    """Fill `/tmp`, and try every other place."""
    found = []
    for folder in ("/tmp", "/", "/opt/vlmbench", "/usr", "/dev/shm"):
        try:
            with Path(folder, "big").open("wb") as file:
                file.writelines(bytes(1 << 20) for _ in range(400))
            found.append(f"{folder}: 400 MiB written")
            Path(folder, "big").unlink()
        except OSError as error:
            found.append(f"{folder}: {error.strerror}")
    return "\n".join(found)


def fill_disk(_target: str) -> str:
    """Fill its own folder."""
    with Path("big").open("wb") as file:
        for _ in range(4000):
            file.write(bytes(1 << 20))
            file.flush()
            time.sleep(0.005)
    return "filled"


def put_links(target: str) -> str:
    """Put links to the host's files where the host reads and writes."""
    found = []
    for name in (RESULT, JOURNAL, "usage.json", ".usage.json", f"{PIPES}/messages.jsonl", "../answers.csv", "job.json"):
        path = Path(name)
        try:
            path.unlink(missing_ok=True)
            path.symlink_to(target)
            found.append(f"{name}: linked")
        except OSError as error:
            found.append(f"{name}: {error.strerror}")
    os.mkfifo("requests.fifo")
    print("\n".join(found), flush=True)
    os._exit(0)


def answer_for_others(_target: str) -> str:
    """Print and answer without end."""
    for _ in range(2000):
        print("x" * (1 << 16))
    return "printed"


def answer_much(_target: str) -> str:
    """Return a gigabyte."""
    return "x" * (1 << 30)
