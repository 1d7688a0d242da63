"""Some samples never get an answer: the run ends, each is a row, the scores say both, the exit code is not 0."""

import csv
import json
from pathlib import Path

import pytest

from tests.endpoint.serving import serving
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.mock_endpoint.service import Fault, Service

SAMPLES, RIGHT = 100, 67
SEED = 16
"""With it the mock fails at the same two requests of a hundred; other requests would need another one."""


def rows_of(root: Path, table: str) -> list[dict[str, str]]:
    with (root / "data" / table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("poison", "status", "attempts", "says"),
    [("hang", "timeout", 2, "did not answer (0.3 s"), ("400", "error", 1, "HTTP 400 from the endpoint")],
)
def test_two_percent_without_an_answer(
    workspace: Path, vlmbench: Run, poison: Fault, status: str, attempts: int, says: str
) -> None:
    write_source(workspace, SAMPLES)
    write_yaml(workspace, "prompts/own", "user: '{{ question }} {{ sample_id }}'\n")
    write_yaml(workspace, "benchmarks/b", "models: [asked]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    right = {f"What is f{index % 2}? s{index}": f"f{index % 2}" for index in range(SAMPLES)}
    with serving(Service(ttft_ms=0, tpot_ms=0, poison_rate=0.02, poison=poison, answers=right, seed=SEED)) as served:
        options = f"options: {{base_url: '{served.url}', model: any, timeout_s: 0.3}}\n"
        entry = "plugin: openai\nprompts: own\nretry: {attempts: 2, first_s: 0.02}\n"
        write_yaml(workspace, "models/asked", entry + options)
        run = vlmbench("run", check=1)
        assert served.seen.requests == SAMPLES - 2 + 2 * attempts, "nothing is asked for ever"
        ranked = json.loads(vlmbench("leaderboard", "tiny", "--json", check=0).stdout)["tiny"]
        vlmbench("run", "--keep-errors", check=0)
        assert served.seen.requests == SAMPLES - 2 + 2 * attempts
    assert "unanswered: asked × tiny: 2 of 100 samples ended in an error or a timeout" in run.stderr

    answers = rows_of(workspace, "answers/asked/tiny/answers.csv")
    failed = [row for row in answers if row["status"] != "ok"]
    assert len(answers) == SAMPLES
    assert [(row["status"], row["attempts"], row["answer"]) for row in failed] == [(status, str(attempts), "")] * 2
    assert all(says in row["error"] for row in failed)

    overall = {
        row["policy"]: row
        for row in rows_of(workspace, "aggregates/asked/tiny/aggregates.csv")
        if row["dimension"] == "overall"
    }
    # Both would have been right, so they are missing from what is right, and in one policy from the whole too.
    assert float(overall["failures_worst"]["value"]) == pytest.approx((RIGHT - 2) / SAMPLES)
    assert float(overall["answered_only"]["value"]) == pytest.approx((RIGHT - 2) / (SAMPLES - 2))
    assert {row["coverage"] for row in overall.values()} == {"0.98"}
    assert (ranked[0]["coverage"], ranked[0]["failed"]) == (0.98, 2)
    assert ranked[0]["exact_match"] == pytest.approx((RIGHT - 2) / SAMPLES)
    report = (workspace / "data/report/asked/tiny/report.md").read_text(encoding="utf-8")
    assert "98.0 %" in report
    assert says in report
