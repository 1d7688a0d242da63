"""`vlmbench run` on real processes: what a user sees when things go right and when they do not."""

import csv
import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import Run, journal_of, write_source, write_yaml

csv.field_size_limit(sys.maxsize)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_every_table_and_says_where_the_report_is(workspace: Path, vlmbench: Run) -> None:
    done = vlmbench("run", check=0)
    assert "1 of 1 cells done" in done.stdout
    data = workspace / "data"
    answers = rows(data / "answers/echo/tiny/answers.csv")
    assert [row["sample_id"] for row in answers] == ["s0", "s1", "s2", "s3"]
    scores = rows(data / "metrics/echo/tiny/metrics.csv")
    assert [row["value"] for row in scores if row["metric"] == "exact_match"] == ["1.0", "1.0", "0.0", "1.0"]
    overall = [
        row
        for row in rows(data / "aggregates/echo/tiny/aggregates.csv")
        if (row["dimension"], row["metric"], row["policy"]) == ("overall", "exact_match", "failures_worst")
    ]
    assert [(row["value"], row["n"], row["coverage"]) for row in overall] == [("0.75", "4", "1.0")]
    report = (data / "report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert "exact_match 0.750" in report
    for picture in ("heatmap", "errors", "by_subset"):
        assert f"({picture}.png)" in report
        assert (data / f"report/echo/tiny/{picture}.png").read_bytes().startswith(b"\x89PNG")
    assert "echo" in (data / "leaderboard/tiny/leaderboard.md").read_text(encoding="utf-8")
    status = json.loads(vlmbench("status", "--json", check=0).stdout)
    assert [(row["model"], row["state"]) for row in status] == [("echo", "fresh")]
    ranked = json.loads(vlmbench("leaderboard", "--json", check=0).stdout)
    assert ranked["tiny"][0]["exact_match"] == 0.75
    assert "exact_match 0.750" in vlmbench("report", "echo", "tiny", check=0).stdout


def test_a_request_that_raises_costs_one_row(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answer: '{field}', raise_on: [s1], batch_size: 3}\n")
    assert "1 of 4 samples ended in an error" in vlmbench("run", check=1).stderr
    answers = rows(workspace / "data/answers/echo/tiny/answers.csv")
    assert [row["status"] for row in answers] == ["ok", "error", "ok", "ok"]
    assert "asked to fail on s1" in answers[1]["error"]
    overall = {
        row["policy"]: row
        for row in rows(workspace / "data/aggregates/echo/tiny/aggregates.csv")
        if (row["dimension"], row["metric"]) == ("overall", "exact_match")
    }
    assert (overall["failures_worst"]["value"], overall["failures_worst"]["n_scored"]) == ("0.5", "4")
    assert float(overall["answered_only"]["value"]) == pytest.approx(2 / 3)
    assert overall["failures_worst"]["coverage"] == overall["answered_only"]["coverage"] == "0.75"


def test_a_worker_that_dies_fails_its_cell_only(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/dying", "plugin: echo\noptions: {exit_on: s2, exit_code: 41}\n")
    write_yaml(workspace, "benchmarks/b", "models: [dying, echo]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    done = vlmbench("run", check=1)
    assert "dying × tiny" in done.stderr
    assert "exit status 41" in done.stderr
    assert "1 of 2 cells done" in done.stdout
    states = {row["model"]: row for row in json.loads(vlmbench("status", "--json", check=0).stdout)}
    assert states["echo"]["state"] == "fresh"
    assert states["dying"]["state"] == "failed"
    assert "exit status 41" in states["dying"]["reason"]
    journal = journal_of(workspace, "dying")
    assert len(journal.read_bytes().splitlines()) == 2
    board = json.loads(vlmbench("leaderboard", "--json", check=0).stdout)["tiny"]
    assert [(row["model"], row["exact_match"]) for row in board] == [("echo", 0.75), ("dying", None)]


def test_a_model_that_cannot_load_says_its_own_sentence(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {fail_load: the weights are missing}\n")
    done = vlmbench("run", check=1)
    assert "the weights are missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / "data/answers/echo/tiny/answers.csv").exists()


def test_a_cell_without_any_answer_is_failed_and_keeps_its_table(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {raise_on: [s0, s1, s2, s3]}\n")
    done = vlmbench("run", check=1)
    assert "none of 4 samples was answered" in done.stderr
    assert len(rows(workspace / "data/answers/echo/tiny/answers.failed.csv")) == 4
    assert not (workspace / "data/answers/echo/tiny/answers.csv").exists()
    assert not (workspace / "data/metrics/echo/tiny/metrics.csv").exists()


@pytest.mark.parametrize("samples", [0, 1])
def test_tiny_datasets_make_honest_tables(workspace: Path, vlmbench: Run, samples: int) -> None:
    write_source(workspace, samples)
    vlmbench("run", check=0)
    assert len(rows(workspace / "data/answers/echo/tiny/answers.csv")) == samples
    overall = [
        row
        for row in rows(workspace / "data/aggregates/echo/tiny/aggregates.csv")
        if (row["dimension"], row["metric"], row["policy"]) == ("overall", "exact_match", "failures_worst")
    ]
    assert [row["value"] for row in overall] == ([""] if samples == 0 else ["1.0"])
    assert [row["ci_low"] for row in overall] == [""]
    report = (workspace / "data/report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert ("no samples" in report) == (samples == 0)


HOSTILE = 'ё, "quoted"; a|b\nline\r\nnext \u2028 \x00 \t 中文 ☂ = NA'


def test_any_text_survives_from_model_to_report(workspace: Path, vlmbench: Run) -> None:
    long = "я" * 100_000
    options = {"answers": {"s0": HOSTILE, "s1": long, "s2": "NA", "s3": "0044"}}
    write_yaml(workspace, "models/echo", json.dumps({"plugin": "echo", "options": options}))
    vlmbench("run", check=0)
    answers = rows(workspace / "data/answers/echo/tiny/answers.csv")
    assert [row["answer"] for row in answers] == [HOSTILE, long, "NA", "0044"]
    report = (workspace / "data/report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert "\x00" not in report
    assert len(report) < 20_000


def test_a_missing_image_stops_the_dataset_before_a_model_is_asked(workspace: Path, vlmbench: Run) -> None:
    (workspace / "source/page.png").unlink()
    done = vlmbench("run", check=1)
    assert "page.png" in done.stderr
    assert not (workspace / "data/answers/echo/tiny/work").exists()


def test_a_damaged_table_stops_its_cell_and_is_kept(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    path = workspace / "data/answers/echo/tiny/answers.csv"
    damaged = path.read_text(encoding="utf-8").replace("s1,ok,", "s1,fine,")
    path.write_text(damaged, encoding="utf-8")
    done = vlmbench("run", "--stage", "metrics", check=1)
    for part in ("answers.csv", "row 2", "sample_id='s1'", "column status", "'fine'", "one of ok"):
        assert part in done.stderr
    assert (path.parent / "answers.rejected.csv").read_text(encoding="utf-8") == damaged


def test_answers_of_another_dataset_are_not_scored(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    write_source(workspace, 6)
    vlmbench("run", "--limit", "2", check=0)
    path = workspace / "data/answers/echo/tiny/answers.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    done = vlmbench("run", "--stage", "metrics", check=1)
    assert "it is not what was published" in done.stderr


def test_the_leaderboard_says_what_does_not_fit_together(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {raise_on: [s0, s1, s2, s3]}\n")
    vlmbench("run", check=1)
    note = json.loads(vlmbench("leaderboard", "--json", check=0).stdout)["tiny"][0]["note"]
    assert note == "its last run failed at answers"
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answer: '{field}'}\n")
    vlmbench("run", check=0)
    write_source(workspace, 6)
    write_yaml(workspace, "models/late", "extends: echo\n")
    vlmbench("run", "--model", "late", "--dataset", "tiny", check=0)
    notes = {row["model"]: row["note"] for row in json.loads(vlmbench("leaderboard", "--json").stdout)["tiny"]}
    assert notes["echo"] == "scored on other samples or references, so not compared; stale: 2 samples added"
    assert notes["late"] == ""


def workers_of(workspace: Path) -> list[str]:
    """Processes whose command line names the workspace's worker folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{workspace}/data/answers".encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


def test_ctrl_c_stops_everything_at_once(workspace: Path, tmp_path: Path) -> None:
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {latency_ms: 1000}\n")
    write_yaml(workspace, "models/next", "extends: echo\n")
    write_yaml(workspace, "benchmarks/b", "models: [echo, next]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    write_source(workspace, 500)
    journal = journal_of(workspace, "echo")
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "vlmbench_assets.cli", "run"]
        process = subprocess.Popen(command, cwd=workspace, stdout=log, stderr=log)
        for _ in range(600):
            if journal.exists() and journal.stat().st_size:
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert len(workers_of(workspace)) == 2, "the supervisor and its worker"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert workers_of(workspace) == []
    assert "interrupted" in (tmp_path / "log").read_text(encoding="utf-8")
    assert not (workspace / "data/answers/next").exists()
    failure = json.loads((workspace / "data/answers/echo/tiny/failure.json").read_text(encoding="utf-8"))
    assert (failure["stage"], failure["reason"]) == ("answers", "interrupted")


def test_a_limited_run_says_so_everywhere(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", "--limit", "2", check=0)
    assert len(rows(workspace / "data/answers/echo/tiny/answers.csv")) == 2
    assert "first 2 samples" in (workspace / "data/report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert "first 2 samples only" in vlmbench("leaderboard", check=0).stdout


def test_a_stage_alone_leaves_the_others_alone(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    answers = workspace / "data/answers/echo/tiny/answers.csv"
    before = answers.stat().st_mtime_ns
    metrics = workspace / "data/metrics/echo/tiny/metrics.csv"
    metrics.unlink()
    vlmbench("run", "--stage", "metrics", check=0)
    assert metrics.exists()
    assert answers.stat().st_mtime_ns == before


def test_a_missing_program_is_one_sentence(workspace: Path, vlmbench: Run) -> None:
    environment = "kind: process\nbinaries: {no-such-program: apt-get install no-such-program}\n"
    write_yaml(workspace, "environments/needy", environment)
    write_yaml(workspace, "models/needy", "extends: echo\nenvironment: needy\n")
    benchmark = "models: [echo]\noptional_models: [needy]\ndatasets: [tiny]\nmetrics: [exact_match]\n"
    write_yaml(workspace, "benchmarks/b", benchmark)
    done = vlmbench("run", check=0)
    assert "needy is left out: `no-such-program` is not installed (apt-get install no-such-program)" in done.stderr
    done = vlmbench("run", "--model", "needy", "--dataset", "tiny", check=1)
    assert "Install it: apt-get install no-such-program" in done.stderr


def test_secrets_reach_the_worker_and_nothing_else(
    workspace: Path, vlmbench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answer: '{field}', fail_load: '${ENV:TEST_KEY}'}\n")
    assert "TEST_KEY is not set" in vlmbench("run", check=1).stderr
    monkeypatch.setenv("TEST_KEY", "")
    vlmbench("run", check=0)
    monkeypatch.setenv("TEST_KEY", "sesame-open-17")
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answers: {s0: '${ENV:TEST_KEY}'}}\n")
    vlmbench("run", "--stage", "answers", check=0)
    work = workspace / "data/answers/echo/tiny"
    assert "sesame-open-17" in (work / "answers.csv").read_text(encoding="utf-8")
    for path in (work / "manifest.json", work / "work/job.json", work / "work/result.json", work / "worker.log"):
        assert "sesame-open-17" not in path.read_text(encoding="utf-8")
