"""Ask peers in a process of their own: they bring other versions of what we use, print, and may crash."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from vlmbench_assets import peer_process
from vlmbench_assets.peer_process import Question, Reply
from vlmbench_assets.printable import printable
from vlmbench_sdk import PluginError
from vlmbench_sdk.environments import worker_base_env

TIMEOUT_S = 600
"""Of one process; importing torch on a busy machine takes most of a minute."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
"""A metric needs no network; keys of the environment stay with us."""
SHOWN = 200


def ask(python: Path, questions: Sequence[Question], *, timeout_s: float = TIMEOUT_S) -> list[Reply]:
    """Ask questions of the peers in one Python; a function that ends the process is not asked again, the others are.

    Args:
        python: An interpreter, 3.10 or newer, such as `bin/python` of a virtual environment.
        questions: What is asked, in the order of the replies.
        timeout_s: Seconds that one process may take.

    Raises:
        PluginError: When the file is no such Python.
    """
    replies: dict[int, Reply] = {}
    ended: set[str] = set()
    while todo := [at for at, each in enumerate(questions) if at not in replies and each["function"] not in ended]:
        said, end = _process(python, [questions[at] for at in todo], timeout_s)
        replies.update(zip(todo, said, strict=False))
        if len(said) < len(todo):
            at = todo[len(said)]
            replies[at] = {"raised": end}
            ended.add(questions[at]["function"])
    versions = {questions[at]["distribution"]: each["version"] for at, each in replies.items() if "version" in each}
    for at, each in enumerate(questions):
        reply = replies.setdefault(at, {"broken": "not asked further, as it ended its process"})
        if "absent" not in reply:
            reply.setdefault("version", versions.get(each["distribution"], ""))
    return [replies[at] for at in range(len(questions))]


def _process(python: Path, questions: Sequence[Question], timeout_s: float) -> tuple[list[Reply], str]:
    """Replies of one process, and how it ended."""
    # Isolated: neither the script's folder nor PYTHONPATH may stand before the peer's own modules.
    command = [str(python), "-I", "-X", "utf8", peer_process.__file__]
    with TemporaryDirectory() as folder:
        # Files, as what a peer starts may hold a pipe open for longer than the peer lives.
        out, err = Path(folder, "out"), Path(folder, "err")
        try:
            with out.open("wb") as stdout, err.open("wb") as stderr:
                done = subprocess.run(
                    command,
                    input=json.dumps(questions).encode(),
                    stdout=stdout,
                    stderr=stderr,
                    timeout=timeout_s,
                    cwd=folder,
                    env={**worker_base_env(), **OFFLINE},
                    check=False,
                )
            ended = f"its process ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            ended = f"no reply within {timeout_s:g} s"
        except OSError as error:
            raise _no_python(python, str(error)) from error
        lines = out.read_text(encoding="utf-8", errors="replace").split("\n")
        words = printable(err.read_text(encoding="utf-8", errors="replace")).split("\n")
    last = next((line.strip() for line in reversed(words) if line.strip()), "")[:SHOWN]
    if len(lines) < 2 or not lines[0].startswith("3."):
        raise _no_python(python, last or ended)
    # What follows the last line break is torn, or nothing.
    return [_shown(json.loads(line)) for line in lines[1:-1]], f"{ended}: {last}" if last else ended


def _shown(reply: dict[str, str | float]) -> Reply:
    """A reply whose texts can be printed, whatever a peer says."""
    shown = {key: printable(each)[:SHOWN] if isinstance(each, str) else each for key, each in reply.items()}
    return cast("Reply", shown)


def _no_python(python: Path, says: str) -> PluginError:
    return PluginError(
        f"peers cannot be asked there ({says})",
        where=str(python),
        fix="Name a Python of 3.10 or newer, such as bin/python of the environment where the peers are installed",
    )
