"""What a worker says: whole, short, without control characters and without the secrets it was given."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from tests.cells import QUIET
from tests.support import Run, write_yaml
from vlmbench_assets.environments.process import ProcessEnvironment
from vlmbench_assets.messages import LONGEST_LINE, MOST_BYTES, MOST_LINES, ContextFile, FewMessages
from vlmbench_assets.printable import printable, without_secrets
from vlmbench_assets.work.ask import Worker
from vlmbench_assets.work.watch import Watch
from vlmbench_sdk import Launch, NoOptions, Prepared

SECRET = "hush-hush-hush"
# Of Dagster itself, which says so when a session of Pipes begins; `quiet.py` does the same in the command.
pytestmark = pytest.mark.filterwarnings("ignore")


def told_by(folder: Path, content: bytes) -> list[str]:
    """What reaches a run's log of a messages file that a worker leaves."""

    @dg.asset
    def told(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        reader = FewMessages(folder / "messages.jsonl", [SECRET])
        with dg.open_pipes_session(context, ContextFile(folder / "context.json"), reader):
            (folder / "messages.jsonl").write_bytes(content)
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        ended = dg.materialize([told], instance=instance)
        logged = instance.all_logs(ended.run_id)
    assert ended.success
    assert not ended.get_asset_check_evaluations()
    assert [each.asset_key.to_user_string() for each in ended.asset_materializations_for_node("told")] == ["told"]
    return [each.user_message for each in logged]


def message(method: str, params: object = None) -> bytes:
    return json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}).encode() + b"\n"


def log(text: str) -> bytes:
    return message("log", {"message": text, "level": "info"})


def test_a_workers_messages_are_few_short_and_log_lines_only(tmp_path: Path) -> None:
    forged = message("report_asset_materialization", {"asset_key": "told", "metadata": {}, "data_version": "x"})
    forged += message("report_asset_check", {"asset_key": "told", "check_name": "c", "passed": True})
    forged += message("log_external_stream", {"stream": "stdout", "text": "forged"})
    forged += b"[" * 60_000 + b"\n" + b"no json\n[]\n" + message("log", {"message": 5, "level": []})
    said = told_by(
        tmp_path,
        message("opened", {"extras": {}})
        + forged
        + log(f"\x1b[2J{SECRET}")
        + log("y" * 50_000)
        + b"".join(log(f"line {number}") for number in range(1_000))
        + message("closed"),
    )
    assert "�[2J***" in said
    assert "y" * LONGEST_LINE in said
    assert f"line {MOST_LINES - 3}" in said
    assert f"line {MOST_LINES - 2}" not in said
    assert "… 802 more" in said
    assert "forged" not in "".join(said)
    assert not any("did not receive" in line for line in said)


def test_the_end_of_a_session_does_not_wait_for_what_a_worker_piled_up(tmp_path: Path) -> None:
    said = told_by(tmp_path, message("opened", {}) + log("first") + (b"z" * 1_000_000 + b"\n") * 8 + log("last"))
    assert "first" in said
    assert "last" not in said
    assert MOST_BYTES < 8_000_000


def test_a_link_in_place_of_the_messages_is_not_followed(tmp_path: Path) -> None:
    @dg.asset
    def told(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        (tmp_path / "elsewhere").write_bytes(log("read"))
        reader = FewMessages(tmp_path / "messages.jsonl", [])
        with dg.open_pipes_session(context, ContextFile(tmp_path / "context.json"), reader):
            (tmp_path / "messages.jsonl").unlink()
            (tmp_path / "messages.jsonl").symlink_to(tmp_path / "elsewhere")
            (tmp_path / "context.json").unlink()
            (tmp_path / "context.json").mkdir()
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        ended = dg.materialize([told], instance=instance)
        assert "read" not in [each.user_message for each in instance.all_logs(ended.run_id)]
    assert ended.success
    assert (tmp_path / "elsewhere").exists()


def test_text_of_a_worker_steers_no_terminal() -> None:
    assert printable("a\x1b[31mb\x9b\u202e\ud800\x00\x7f\n\tc") == "a�[31mb�����\n\tc"
    assert printable("é ж 漢 🙂 … “”") == "é ж 漢 🙂 … “”"


def test_known_secrets_are_hidden_longest_first() -> None:
    assert without_secrets("abcd abcdef abc", ["abcd", "abcdef", "abc"]) == "*** *** abc"
    assert without_secrets("one\nKEY-OF-LINES\n", ["BEGIN\nKEY-OF-LINES"]) == "one\n***\n"


def test_a_secret_that_is_printed_in_two_pieces_is_hidden_too(tmp_path: Path) -> None:
    lines: list[str] = []
    environment = ProcessEnvironment(NoOptions(), name="process", cache=tmp_path / "cache")
    (tmp_path / "work").mkdir()
    prepared = Prepared(digest="", python=sys.executable)
    worker = Worker(environment, prepared, tmp_path / "work", None, {"TOKEN": SECRET})  # type: ignore[arg-type]
    watch = Watch(worker, 0, replace(QUIET, say=lines.append))
    script = (
        "import os, sys, time; half = len(os.environ['TOKEN']) // 2\n"
        "print('token \\x1b', os.environ['TOKEN'][:half], end='', flush=True)\n"
        "time.sleep(1)\n"
        "print(os.environ['TOKEN'][half:], flush=True)\n"
        "print('no end of line', end='')"
    )
    launch = Launch(("-c", script), worker.work, worker.log, secrets=worker.secrets)
    handle = environment.launch(prepared, launch)
    while watch.step(handle, 0.1) is None:
        continue
    assert lines == ["worker: token � ***", "worker: no end of line"]


@pytest.mark.parametrize("how", ["fail_load: '${ENV:MY_TOKEN} refused'", "raise_on: [s1], exit_on: '${ENV:MY_TOKEN}'"])
def test_a_secret_that_a_model_says_is_in_no_message_and_no_record(
    workspace: Path, vlmbench: Run, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("MY_TOKEN", SECRET)
    write_yaml(workspace, "models/echo", f"plugin: echo\noptions: {{{how}}}\n")
    done = vlmbench("run")
    assert SECRET not in done.stdout + done.stderr
    kept = [path for path in workspace.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert {path.name for path in kept} <= {"worker.log", "result.json"}
    if "refused" in how:
        assert "*** refused" in done.stderr
