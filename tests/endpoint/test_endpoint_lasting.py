"""Some samples never get an answer: the run ends, each is a row, the scores say both, the exit code is not 0."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.endpoint.serving import serving
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.mock_endpoint.service import Service

SAMPLES, RIGHT = 100, 67
SEED = 2
"""With it the mock fails at the same two of the hundred questions, both answered rightly otherwise."""


def rows_of(root: Path, table: str) -> list[dict[str, str]]:
    with (root / "data" / table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_two_percent_without_an_answer(workspace: Path, vlmbench: Run) -> None:
    write_source(workspace, SAMPLES)
    write_yaml(workspace, "prompts/own", "user: '{{ question }} {{ sample_id }}'\n")
    write_yaml(workspace, "benchmarks/b", "models: [hangs, refuses]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    right = {f"What is f{index % 2}? s{index}": f"f{index % 2}" for index in range(SAMPLES)}
    service = Service(ttft_ms=0, tpot_ms=0, poison_rate=0.02, poison="hang", answers=right, seed=SEED)
    entry = "plugin: openai\nprompts: own\nretry: {attempts: 2, first_s: 0.02}\n"
    with serving(service) as hangs, serving(replace(service, poison="400")) as refuses:
        for name, served in (("hangs", hangs), ("refuses", refuses)):
            options = f"options: {{base_url: '{served.url}', model: any, timeout_s: 1.5}}\n"
            write_yaml(workspace, f"models/{name}", entry + options)
        run = vlmbench("run", check=1)
        ranked = json.loads(vlmbench("leaderboard", "tiny", "--json", check=0).stdout)["tiny"]
        vlmbench("run", "--keep-errors", check=0)
        # Nothing is asked for ever, and what may stay is not asked again.
        assert hangs.seen.requests == SAMPLES - 2 + 2 * 2
        assert refuses.seen.requests == SAMPLES
    for name, status, attempts, says in (
        ("hangs", "timeout", "2", "did not answer (1.5 s"),
        ("refuses", "error", "1", "HTTP 400 from the endpoint"),
    ):
        assert f"unanswered: {name} × tiny: 2 of 100 samples ended in an error or a timeout" in run.stderr
        check_rows(rows_of(workspace, f"answers/{name}/tiny/answers.csv"), status, attempts, says)
        check_scores(rows_of(workspace, f"aggregates/{name}/tiny/aggregates.csv"))
        [row] = [row for row in ranked if row["model"] == name]
        assert (row["coverage"], row["failed"]) == (0.98, 2)
        assert row["exact_match"] == pytest.approx((RIGHT - 2) / SAMPLES)
        report = (workspace / f"data/report/{name}/tiny/report.md").read_text(encoding="utf-8")
        assert "98.0 %" in report
        assert says in report


def check_rows(answers: list[dict[str, str]], status: str, attempts: str, says: str) -> None:
    assert len(answers) == SAMPLES
    failed = [row for row in answers if row["status"] != "ok"]
    assert [(row["status"], row["attempts"], row["answer"]) for row in failed] == [(status, attempts, "")] * 2
    assert all(says in row["error"] for row in failed)


def check_scores(aggregates: list[dict[str, str]]) -> None:
    overall = {row["policy"]: row for row in aggregates if row["dimension"] == "overall"}
    # Both would have been right, so they are missing from what is right, and in one policy from the whole too.
    assert float(overall["failures_worst"]["value"]) == pytest.approx((RIGHT - 2) / SAMPLES)
    assert float(overall["answered_only"]["value"]) == pytest.approx((RIGHT - 2) / (SAMPLES - 2))
    assert {row["coverage"] for row in overall.values()} == {"0.98"}
