"""The worker as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vlmbench_sdk.job import JOURNAL, RESULT
from vlmbench_sdk.journal import read_journal
from vlmbench_sdk.records import Answer
from vlmbench_sdk.runner import _stamp


def run(
    folder: Path, options: dict[str, object], plugin: str = "echo", **env: str
) -> "subprocess.CompletedProcess[str]":
    (folder / "job.json").write_text(json.dumps({"model": "m", "plugin": plugin, "options": options}), encoding="utf-8")
    lines = [{"sample_id": name, "images": ["a.png"], "prompt": f"say {name}"} for name in ("a", "b", "c")]
    (folder / "requests.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "vlmbench_sdk.runner", str(folder / "job.json")],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_answers_everything_and_says_how(tmp_path: Path) -> None:
    done = run(tmp_path, {"answers": {"b": "\0 " + "я" * 100_000}, "raise_on": ["c"]})
    assert done.returncode == 0, done.stderr
    answers = {answer.sample_id: answer for answer in read_journal(tmp_path / JOURNAL).answers}
    assert answers["a"].answer == "say a"
    assert answers["b"].answer == "\0 " + "я" * 100_000
    assert answers["c"].status == "error"
    result = json.loads((tmp_path / RESULT).read_text(encoding="utf-8"))
    assert result["finished"] is True
    assert result["answered"] == 3
    assert "vlmbench-sdk" in result["packages"]
    assert result["resolved_options"]["batch_size"] == 1
    assert result["model_facts"] == {}


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    stamped = _stamp(Answer(sample_id="a", answer="a\ud83d b \U0001f9fe"), "m", "q")
    assert stamped.answer == "a\ufffd b \U0001f9fe"


def test_a_model_that_cannot_load_is_exit_status_1(tmp_path: Path) -> None:
    done = run(tmp_path, {"fail_load": "no weights here"})
    assert done.returncode == 1
    result = json.loads((tmp_path / RESULT).read_text(encoding="utf-8"))
    assert "no weights here" in result["error"]
    assert result["traceback"] == ""


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, {}, plugin="nobody")
    assert done.returncode == 1
    assert "model plugin 'nobody' is not installed" in done.stderr


def test_what_is_no_job_is_exit_status_2(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{", encoding="utf-8")
    command = [sys.executable, "-m", "vlmbench_sdk.runner", str(tmp_path / "job.json")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    assert subprocess.run(command[:3], capture_output=True, check=False).returncode == 2


def test_what_was_answered_before_a_crash_is_kept(tmp_path: Path) -> None:
    done = run(tmp_path, {"exit_on": "c", "exit_code": 55})
    assert done.returncode == 55
    assert [answer.sample_id for answer in read_journal(tmp_path / JOURNAL).answers] == ["a", "b"]
    assert not (tmp_path / RESULT).exists()


def test_secrets_are_filled_in_here_and_written_nowhere(tmp_path: Path) -> None:
    done = run(tmp_path, {"fail_load": "${ENV:SDK_TEST_KEY}"}, SDK_TEST_KEY="")
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, {"answer": "${ENV:SDK_TEST_MISSING}"})
    assert "SDK_TEST_MISSING is not set" in done.stderr
    result = json.loads((tmp_path / RESULT).read_text(encoding="utf-8"))
    assert result["resolved_options"] == {}


@pytest.mark.skipif(Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_missed_by_the_worker_itself(tmp_path: Path) -> None:
    done = run(tmp_path, {}, VLMBENCH_GPUS_WANTED="1")
    assert done.returncode == 1
    assert "it asks for 1 GPU(s), and none can be seen" in done.stderr
