"""A key is in no output: not in answers, errors, logs, tables, manifests, nor in what a worker leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tests.endpoint.serving import ask, endpoint, serving, texts
from tests.support import Run, write_yaml
from vlmbench_assets.mock_endpoint.service import Service
from vlmbench_sdk import ModelError
from vlmbench_sdk.secrets import SHORTEST_SECRET, Secrets

KEY = "sk-verysecret-0123456789"


@given(
    key=st.text(alphabet="KLM-_0123456789", min_size=SHORTEST_SECRET, max_size=40),
    others=st.lists(st.text(alphabet="abcxyz {}\"'\n", max_size=20), min_size=2, max_size=5),
)
def test_a_key_is_taken_out_of_any_text(key: str, others: list[str]) -> None:
    assert Secrets(key).out_of(key.join(others)) == "[key]".join(others)


def test_a_placeholder_spoils_no_answer() -> None:
    assert Secrets("EMPTY").out_of("The table is EMPTY") == "The table is EMPTY"


def test_an_endpoint_that_repeats_the_key() -> None:
    said: dict[str, JsonValue] = {
        "question 0": f"your key is {KEY}",
        "question 1": {"content": "", "refusal": f"not with {KEY}"},
    }
    with serving(Service(ttft_ms=0, tpot_ms=0, answers=said, api_key=KEY)) as served:
        answers = ask(endpoint(served.url, api_key=KEY), texts(2))
        with pytest.raises(ModelError) as refused:
            ask(endpoint(served.url, api_key=KEY + "x"), texts(1))
    assert answers["s0"].answer == "your key is [key]"
    assert KEY not in answers["s1"].error
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nX: y", "ключ-ключ-ключ"])
def test_a_key_that_no_header_can_carry(key: str) -> None:
    with pytest.raises(ModelError, match="the key has characters") as error:
        ask(endpoint("http://127.0.0.1:1/v1", api_key=key), texts(1))
    assert key.strip() not in str(error.value)


def test_a_whole_run_leaves_the_key_nowhere(workspace: Path, vlmbench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with serving(Service(ttft_ms=0, tpot_ms=0, api_key=KEY, answer=f"{{prompt}} {KEY}")) as served:
        entry = f"plugin: openai\noptions: {{base_url: '{served.url}', api_key: '${{ENV:MY_KEY}}'}}\n"
        write_yaml(workspace, "models/asked", entry)
        good = vlmbench("run", "--model", "asked", "--dataset", "tiny", check=0)
        monkeypatch.setenv("MY_KEY", KEY + "-wrong")
        write_yaml(workspace, "models/refused", entry)
        bad = vlmbench("run", "--model", "refused", "--dataset", "tiny")
    assert bad.returncode != 0
    assert "HTTP 401" in bad.stdout + bad.stderr
    assert KEY not in good.stdout + good.stderr + bad.stdout + bad.stderr
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert any(path.name == "answers.csv" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_key_in_a_file_is_refused(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/leaky", f"plugin: openai\noptions: {{base_url: 'http://h/v1', api_key: {KEY}}}\n")
    checked = vlmbench("check")
    assert checked.returncode != 0
    assert "a secret never stands in a file" in checked.stdout + checked.stderr
    assert KEY not in checked.stdout + checked.stderr


def test_options_that_do_not_fit_do_not_show_the_key(tmp_path: Path) -> None:
    job = {
        "model": "m",
        "plugin": "openai",
        "options": {"base_url": "${ENV:MY_URL}", "api_key": "${ENV:MY_KEY}"},
    }
    (tmp_path / "job.json").write_text(json.dumps(job), encoding="utf-8")
    (tmp_path / "requests.jsonl").write_text("", encoding="utf-8")
    environment = {**os.environ, "MY_KEY": KEY, "MY_URL": f"ftp://user:{KEY}@host"}
    command = [sys.executable, "-m", "vlmbench_sdk.runner", str(tmp_path / "job.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "base_url" in done.stderr
    assert KEY not in done.stdout + done.stderr + (tmp_path / "result.json").read_text(encoding="utf-8")
