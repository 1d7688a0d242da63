"""Score with a metric that has an environment of its own."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.files import make_folder
from vlmbench_assets.work.attempt import Attempt
from vlmbench_assets.work.score import LoadedMetric, cases_to_score
from vlmbench_assets.work.watch import LOOK_EVERY_S, Surroundings
from vlmbench_assets.worker import prepare_scorer
from vlmbench_sdk import Case, Options, Score, WorkerError
from vlmbench_sdk.job import JOURNAL
from vlmbench_sdk.plain_files import open_plain
from vlmbench_sdk.scoring import CaseToScore, ScoredCase, ScoreJob


def scored_elsewhere(
    bench: Bench,
    metric: LoadedMetric,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    kept: pd.DataFrame | None,
    work: Path,
    around: Surroundings,
) -> LoadedMetric:
    """The same metric, whose scores come from its own environment: they are all made now, in one worker.

    Args:
        bench: The workspace.
        metric: The metric.
        tables: `samples` and `answers`.
        kept: Rows of scores that stand.
        work: A folder for the worker.
        around: Where lines go.

    Raises:
        WorkerError: When the worker does not score every case.
        EnvironmentUnavailableError: When its environment cannot be made.
    """
    cases = cases_to_score(*tables, metric, kept)
    found = _ask(bench, metric, cases, work, around) if cases else {}

    def look_up(case: Case, _options: Options) -> Score:
        return found[case.answer, case.references, case.answer_type]

    return replace(metric, scorer=look_up)


Key = tuple[str, tuple[str, ...], str]


def _ask(bench: Bench, metric: LoadedMetric, cases: list[Key], work: Path, around: Surroundings) -> dict[Key, Score]:
    make_folder(work)
    (work / JOURNAL).unlink(missing_ok=True)
    around.say(f"metric {metric.name}: {len(cases)} cases are scored in environment {metric.entry.environment}")
    worker = prepare_scorer(bench, metric.name, work, around.say)
    job = ScoreJob(
        metric=metric.name,
        plugin=metric.entry.plugin,
        options=metric.entry.options,
        normalize=metric.entry.normalize,
    )
    requests = [CaseToScore(answer=said, references=gold, answer_type=kind) for said, gold, kind in cases]
    with Attempt(job, requests, worker, around) as attempt:
        while (ended := attempt.step(LOOK_EVERY_S)) is None:
            continue
    ended.result()
    found = _read(work / JOURNAL)
    if lost := [case for case in cases if case not in found]:
        raise WorkerError(f"{len(lost)} of {len(cases)} cases have no score", where=job.where)
    return found


def _read(path: Path) -> dict[Key, Score]:
    try:
        with open_plain(path) as lines:
            scored = [ScoredCase.model_validate_json(line) for line in lines]
    except (OSError, ValueError) as error:
        raise WorkerError(f"the scores cannot be read ({error})", where=str(path)) from error
    return {(each.case.answer, each.case.references, each.case.answer_type): each.score for each in scored}
