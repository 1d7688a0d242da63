"""Some samples never get an answer: the run ends, each is a row, the scores say both, the exit code is not 0."""

import csv
import json
import time
from pathlib import Path

import pytest

from tests.endpoint.serving import serving
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.mock_endpoint.service import Fault, Service

SAMPLES = 100
TIMEOUT_S = 0.3


def rows_of(root: Path, table: str) -> list[dict[str, str]]:
    with (root / "data" / table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(("poison", "status", "attempts"), [("hang", "timeout", "2"), ("400", "error", "1")])
def test_two_percent_without_an_answer(
    workspace: Path, vlmbench: Run, poison: Fault, status: str, attempts: str
) -> None:
    write_source(workspace, SAMPLES)
    prompts = "user: '{{ question }} {{ sample_id }}'\n"
    write_yaml(workspace, "prompts/own", prompts)
    # `f0` and `f1` are the right answers to two thirds of the samples, as the question says.
    said = {f"What is f{index % 2}? s{index}": f"f{index % 2}" for index in range(SAMPLES)}
    service = Service(ttft_ms=0, tpot_ms=0, poison_rate=0.02, poison=poison, answers=said)
    with serving(service) as served:
        entry = f"plugin: openai\nprompts: own\nretry: {{attempts: 2, first_s: 0.02}}\n"
        options = f"options: {{base_url: '{served.url}', model: any, timeout_s: {TIMEOUT_S}}}\n"
        write_yaml(workspace, "models/asked", entry + options)
        write_yaml(workspace, "benchmarks/b", "models: [asked]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
        started = time.monotonic()
        done = vlmbench("run", check=1)
        took = time.monotonic() - started
    answers = rows_of(workspace, "answers/asked/tiny/answers.csv")
    print(took, [ (a["sample_id"], a["status"]) for a in answers if a["status"] != "ok"], done.stderr[-400:], done.stdout[-1500:])
    print(rows_of(workspace, "aggregates/asked/tiny/aggregates.csv")[:4])
    print(vlmbench("leaderboard", "tiny", "--json").stdout)
    assert 0
