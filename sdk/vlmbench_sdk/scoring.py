"""Score answers away from the host, in the metric's own environment: ``python -m vlmbench_sdk.scoring JOB.json``.

It reads `job.json` and `requests.jsonl`, appends to `journal.jsonl` as scores come, and leaves `result.json`. Exit
status: 0 when every case has a score, 1 when the metric fails, 2 when the job itself cannot be read.
"""

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal, cast

from pydantic import Field, JsonValue

from vlmbench_sdk.errors import PluginError
from vlmbench_sdk.failing import reported
from vlmbench_sdk.job import JOURNAL, REQUESTS, RESULT, JobResult
from vlmbench_sdk.metric import Case, Cases, Normalize, Scores
from vlmbench_sdk.plugin_specs import MetricPlugin, NormalizerPlugin, Options, resolve
from vlmbench_sdk.plugins import load_plugins
from vlmbench_sdk.records import Record, Score
from vlmbench_sdk.supervisor import supervise

Scorer = Callable[[Case, Options], Score]
ManyScorer = Callable[[Cases, Options], Scores]
MEMORY = 100_000
"""Texts whose normal form is remembered."""


class ScoreJob(Record):
    """What a scoring worker has to do."""

    schema_version: Literal[1] = 1
    metric: str
    """Name of the metric entry."""
    plugin: str
    """Name of the metric plugin."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    normalize: tuple[str, ...] = ()
    """Names of normalisers, applied in this order."""

    @property
    def where(self) -> str:
        """What a message about it begins with."""
        return f"metric {self.metric}"


class CaseToScore(Record):
    """One `Case`, as it travels."""

    answer: str
    references: tuple[str, ...]
    answer_type: str


class ScoredCase(Record):
    """A case with its score."""

    case: CaseToScore
    score: Score


def scorer_of(plugin: MetricPlugin) -> Scorer:
    """Import a metric's function.

    Raises:
        PluginError: When it cannot be imported, or is not a function.
    """
    return cast("Scorer", _function(plugin.score, f"metric {plugin.metric_id}"))


def many_scorer_of(plugin: MetricPlugin) -> ManyScorer | None:
    """Import a metric's function over many cases; None where it has none.

    Raises:
        PluginError: When it cannot be imported, or is not a function.
    """
    if plugin.score_many is None:
        return None
    return cast("ManyScorer", _function(plugin.score_many, f"metric {plugin.metric_id}"))


def combine_of(plugin: MetricPlugin) -> Callable[[Sequence[Score], Options], float | None]:
    """Import what makes a metric's value out of the scores of a group.

    Raises:
        PluginError: When it cannot be imported, or is not a function.
    """
    combine = _function(plugin.combine or "", f"metric {plugin.metric_id}")
    return cast("Callable[[Sequence[Score], Options], float | None]", combine)


def steps_of(names: Sequence[str], normalizers: Mapping[str, NormalizerPlugin]) -> list[Normalize]:
    """Import the functions of normalisers.

    Raises:
        PluginError: When one cannot be imported, or is not a function.
    """
    return [cast("Normalize", _function(normalizers[name].function, f"normaliser {name}")) for name in names]


def normalization(names: Sequence[str], normalizers: Mapping[str, NormalizerPlugin]) -> Normalize:
    """Chain normalisers.

    Raises:
        PluginError: When one cannot be imported, or is not a function.
    """
    steps = steps_of(names, normalizers)

    @lru_cache(maxsize=MEMORY)
    def normalize(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return normalize


def main(argv: list[str] | None = None) -> int:
    """Run one job and return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1:
        print("usage: python -m vlmbench_sdk.scoring JOB.json", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    supervise(path.parent)
    try:
        job = ScoreJob.model_validate_json(path.read_bytes())
        lines = (path.parent / REQUESTS).read_bytes().splitlines()
        cases = [CaseToScore.model_validate_json(line) for line in lines]
    except (OSError, ValueError) as error:
        print(f"{path}: cannot be read as a job: {error}", file=sys.stderr)
        return 2
    result = _score_all(job, cases, path.parent / JOURNAL)
    path.with_name(RESULT).write_text(result.model_dump_json(indent=2), encoding="utf-8")
    return 0 if result.finished else 1


def _score_all(job: ScoreJob, cases: Sequence[CaseToScore], output: Path) -> JobResult:
    done = 0
    with reported() as failure:
        scorer, options, normalize = _load(job)
        with output.open("w", encoding="utf-8") as file:
            for case in cases:
                score = scorer(Case(**case.model_dump(), normalize=normalize), options)
                file.write(ScoredCase(case=case, score=score).model_dump_json() + "\n")
                done += 1
    return JobResult(
        finished=not failure.error and done == len(cases),
        error=failure.error,
        traceback=failure.traceback,
        answered=done,
        python=platform.python_version(),
        packages={each.name: each.version for each in distributions()},
    )


def _load(job: ScoreJob) -> tuple[Scorer, Options, Normalize]:
    plugins = load_plugins()
    plugin = plugins.metrics.get(job.plugin)
    missing = [name for name in job.normalize if name not in plugins.normalizers]
    if plugin is None or missing:
        name = job.plugin if plugin is None else missing[0]
        raise PluginError(f"{name!r} is not installed in this environment", where=job.where)
    options = plugin.options.model_validate(job.options)
    return scorer_of(plugin), options, normalization(job.normalize, plugins.normalizers)


def _function(import_string: str, owner: str) -> Callable[..., object]:
    found = resolve(import_string, owner=owner)
    if not callable(found):
        raise PluginError(f"{import_string!r} is not a function", where=owner)
    return cast("Callable[..., object]", found)


if __name__ == "__main__":
    sys.exit(main())
