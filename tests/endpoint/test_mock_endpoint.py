"""The mock endpoint: it does what it says, the same each time."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import cast

import pytest

from tests.endpoint.serving import ask, endpoint, serving, texts
from tests.support import Run
from vlmbench_assets.mock_endpoint.service import Service


def get(url: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(url, body, timeout=10) as answer:  # noqa: S310 - our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_what_happens_is_decided_by_the_seed_alone() -> None:
    first, again, other = (Service(seed=seed, fault_rate=0.2, poison_rate=0.1, spread=1) for seed in (1, 1, 2))
    bodies = range(1000)
    told = [[(each.fault(body, 1), each.factor(body)) for body in bodies] for each in (first, again, other)]
    assert told[0] == told[1] != told[2]
    faults = [fault for fault, _ in told[0] if fault]
    assert 200 < len(faults) < 360
    assert 0.8 < sum(factor for _, factor in told[0]) / 1000 < 1.2


def test_clients_that_word_a_request_differently_meet_the_same() -> None:
    url, text = '"url": "data:image/png;base64,AA=="', '{"type": "text", "text": "total?"}'
    picture, detailed = (f'{{"type": "image_url", "image_url": {{{url}{more}}}}}' for more in ("", ', "detail": "low"'))
    told = [
        Service().question(json.loads(f'{{"messages": [{{"role": "user", "content": {content}}}]{more}}}'))
        for content, more in (
            (f"[{picture}, {text}]", ""),
            (f"[{text}, {detailed}]", ', "stream": true, "temperature": 0'),
            (f"[{text}]", ""),
            ('"total?"', ', "model": "m"'),
        )
    ]
    assert told[0] == told[1] != told[2] == told[3]


def test_it_says_what_it_saw() -> None:
    with serving() as served:
        root = served.url.removesuffix("/v1")
        assert get(served.url + "/models")[1]["object"] == "list"
        assert get(served.url + "/nothing")[0] == 404
        assert get(served.url + "/chat/completions", b"{torn")[0] == 400
        started = time.monotonic()
        ask(endpoint(served.url), texts(3))
        ask(endpoint(served.url), texts(2))
        seen = get(root + "/stats")[1]
    assert (seen["requests"], seen["answered"], seen["answered_again"]) == (5, 5, 2)
    assert started <= cast("float", seen["first_s"]) <= time.monotonic()


@pytest.mark.parametrize("content", ["[]", "{torn", None])
def test_answers_that_cannot_be_read(vlmbench: Run, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "answers.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    done = vlmbench("mock-endpoint", "--answers", str(path), check=1)
    assert str(path) in done.stderr


def test_a_worker_that_is_stopped_keeps_what_it_has(tmp_path: Path) -> None:
    with serving(Service(slots=4, ttft_ms=50, tpot_ms=0)) as served:
        job = {"model": "m", "plugin": "openai", "options": {"base_url": served.url, "concurrency": 4}}
        (tmp_path / "job.json").write_text(json.dumps(job), encoding="utf-8")
        lines = "".join(request.model_dump_json() + "\n" for request in texts(2000))
        (tmp_path / "requests.jsonl").write_text(lines, encoding="utf-8")
        command = [sys.executable, "-m", "vlmbench_sdk.runner", str(tmp_path / "job.json")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            journal = tmp_path / "journal.jsonl"
            while process.poll() is None and not (journal.exists() and journal.stat().st_size):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        asked = served.seen.requests
    assert process.returncode == 143
    assert "Traceback" not in said
    assert "never retrieved" not in said
    kept = len(journal.read_text(encoding="utf-8").splitlines())
    assert 0 < kept <= asked < 2000
    assert asked - kept <= 4 + 4
