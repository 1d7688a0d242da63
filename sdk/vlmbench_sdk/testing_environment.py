"""Conformance checks for kinds of environments: real workers are started, stopped and killed.

Raises AssertionError with a sentence when an environment breaks a promise of `vlmbench_sdk.Environment`.
"""

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlmbench_sdk.environments import Environment, Handle, Launch, Outcome, Prepared
from vlmbench_sdk.plugin_specs import Options

SDK = "vlmbench-sdk"
OTHERS = "VLMBENCH_CONFORMANCE_OTHERS"
"""A variable of the host that no entry asks for."""
_GOOD = """
import json, os, pathlib, sys
print("said", sys.argv[1])
names = ("OPEN", "SECRET", "VLMBENCH_CONFORMANCE_OTHERS")
pathlib.Path("found.json").write_text(json.dumps({name: os.environ.get(name, "") for name in names}))
"""
_SLEEPS = "import time; print('asleep', flush=True); time.sleep(600)"
_STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
_KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the checks of one environment share."""

    make: "Callable[[str, Path], Environment[Options]]"
    """Makes the environment under a name and with a cache folder."""
    folder: Path
    """An empty folder that the checks may fill."""
    distribution: str = SDK
    """The distribution that stands for a model's plugin; it must be installed where the checks run."""
    longest_s: float = 120.0
    """How long a worker may take to start or to end before that counts as hanging, in seconds."""


def check_environment(ground: Ground, *, stubborn: bool = True) -> list[str]:
    """Check a kind of environment: identity, preparing, running, what is handed over, stopping, being killed.

    Args:
        ground: What to check, and where.
        stubborn: Whether to check that a worker which ignores being asked is stopped by force; that takes as long as
            the environment's own grace period.

    Returns:
        A sentence for each promise that was checked.
    """
    environment = ground.make("own", ground.folder / "cache")
    distributions = tuple(dict.fromkeys((SDK, ground.distribution)))
    done = [_check_identity(ground, environment)]
    prepared = environment.prepare(distributions, lambda _: None)
    done.append(_check_prepared(environment, prepared, distributions))
    done.append(_check_run(ground, environment, prepared))
    done.append(_check_failures(ground, environment, prepared))
    done.append(_check_cancel(ground, environment, prepared, _SLEEPS, "asleep"))
    if stubborn:
        done.append(f"{_check_cancel(ground, environment, prepared, _STUBBORN, 'deaf')}, by force where it must")
    done.append(_check_all(ground, environment, prepared))
    return done


def _check_identity(ground: Ground, environment: Environment[Options]) -> str:
    cache = ground.folder / "cache"
    first = environment.identity(ground.distribution)
    assert len(first.split()) == 2, f"identity {first!r} is not a word for people and a digest"
    assert first == environment.identity(ground.distribution), "identity says something else the second time"
    other = ground.make("other", ground.folder / "elsewhere").identity(ground.distribution)
    assert first == other, f"identity depends on the entry's name or on a path: {first!r}, then {other!r}"
    assert not cache.exists() or not any(cache.iterdir()), "identity makes something; every plan asks for it"
    return "identity is stable, names no path and makes nothing"


def _check_prepared(environment: Environment[Options], prepared: Prepared, distributions: tuple[str, ...]) -> str:
    assert prepared.python, "prepare names no interpreter"
    again = environment.prepare(distributions, lambda _: None)
    assert again == prepared, "preparing twice gives two different environments"
    lock = environment.lock(distributions)
    assert lock in {"", prepared.digest}, f"lock says {lock!r}, what was prepared has {prepared.digest!r}"
    return "preparing twice gives the same, and lock agrees with it"


def _check_run(ground: Ground, environment: Environment[Options], prepared: Prepared) -> str:
    import json

    token, hidden = secrets.token_hex(8), secrets.token_hex(16)
    wait = "import time\nwhile not __import__('os').path.exists('go'): time.sleep(0.02)\n"
    os.environ[OTHERS] = hidden
    try:
        launch = _launch(ground, wait + _GOOD, token, env={"OPEN": "yes"}, secret=hidden)
        handle = environment.launch(prepared, launch)
    finally:
        del os.environ[OTHERS]
    shown = [line for line in _command_lines() if hidden in line]
    (launch.work / "go").touch()
    outcome = _ended(ground, handle)
    assert not shown, "a secret stands in a command line, which everybody on the machine can read"
    assert outcome == Outcome(kind="ok", exit_code=0), f"a worker that did its work ended as {outcome}"
    assert f"said {token}" in handle.log_tail(), "log_tail does not tell what the worker printed"
    assert (launch.work / "found.json").exists(), "what the worker wrote into its folder is not there"
    found = json.loads((launch.work / "found.json").read_text(encoding="utf-8"))
    assert found["OPEN"] == "yes", "Launch.env does not reach the worker"
    assert found["SECRET"] == hidden, "Launch.secrets do not reach the worker"
    assert not found[OTHERS], "the worker gets variables of the host that nobody asked for"
    kept = [path for path in _files(ground.folder) if hidden.encode() in path.read_bytes()]
    assert kept in ([], [launch.work / "found.json"]), f"a secret stands in a file that stays: {kept}"
    return "a worker runs, and gets its variables and secrets and no others; no secret stands where it can be read"


def _check_failures(ground: Ground, environment: Environment[Options], prepared: Prepared) -> str:
    outcome = _ended(ground, environment.launch(prepared, _launch(ground, "raise SystemExit(7)")))
    assert outcome.kind == "worker_error", f"a worker that exits with 7 ended as {outcome}"
    assert outcome.exit_code == 7, f"exit status 7 is told as {outcome.exit_code}"
    assert outcome.detail, "how a failed worker ended is told without a sentence"
    outcome = _ended(ground, environment.launch(prepared, _launch(ground, _KILLED)))
    assert outcome.kind in {"worker_error", "out_of_memory"}, f"a worker that was killed ended as {outcome}"
    assert outcome.detail, "how a killed worker ended is told without a sentence"
    return "a worker that fails and one that is killed are told apart from one that did its work"


def _check_cancel(
    ground: Ground, environment: Environment[Options], prepared: Prepared, code: str, printed: str
) -> str:
    token = secrets.token_hex(8)
    handle = environment.launch(prepared, _launch(ground, code, token))
    end = time.monotonic() + ground.longest_s
    while printed not in handle.log_tail():
        early = handle.wait(0.05)
        assert early is None, f"a worker that runs is told to have ended as {early}: {handle.log_tail()}"
        assert time.monotonic() < end, "the worker did not start"
    handle.cancel()
    outcome = _ended(ground, handle)
    assert outcome.kind == "cancelled", f"a worker that was stopped ended as {outcome}"
    left = [line for line in _command_lines() if token in line]
    assert not left, f"after cancel there still runs: {left}"
    handle.cancel()
    return "cancel stops a worker and leaves nothing running"


def _check_all(ground: Ground, environment: Environment[Options], prepared: Prepared) -> str:
    launches = [_launch(ground, f"raise SystemExit({number})") for number in range(2)]
    codes = [_ended(ground, handle).exit_code for handle in environment.launch_all(prepared, launches)]
    assert codes == [0, 1], f"launch_all mixes its workers up: exit statuses {codes}, not [0, 1]"
    return "launch_all starts workers in order"


def _launch(ground: Ground, code: str, *arguments: str, env: dict[str, str] | None = None, secret: str = "") -> Launch:
    place = ground.folder / f"worker-{secrets.token_hex(4)}"
    work = place / "work"
    work.mkdir(parents=True)
    return Launch(
        arguments=("-c", code, *arguments),
        work=work,
        log=place / "worker.log",
        env=env or {},
        secrets={"SECRET": secret} if secret else {},
    )


def _ended(ground: Ground, handle: Handle) -> Outcome:
    outcome = handle.wait(ground.longest_s)
    assert outcome is not None, f"the worker did not end within {ground.longest_s:g} s: {handle.log_tail()}"
    return outcome


def _command_lines() -> list[str]:
    """Command lines of the processes of this machine, as far as it tells them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 1 << 20]
