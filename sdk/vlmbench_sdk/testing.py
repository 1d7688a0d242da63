"""Conformance checks for plugin authors: call them in the plugin's own tests.

Each raises AssertionError with a sentence when the plugin breaks a promise of its kind.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.metric import Case, Cases, letters
from vlmbench_sdk.model import Model, ModelSettings
from vlmbench_sdk.plugin_specs import (
    DatasetReaderPlugin,
    MetricPlugin,
    ModelPlugin,
    NormalizerPlugin,
    Options,
    resolve,
)
from vlmbench_sdk.reading import ReadJob
from vlmbench_sdk.records import Answer, Record, Request, Sample, Score
from vlmbench_sdk.scoring import many_scorer_of, scorer_of

HOSTILE = ("", " ", "\0", "\ud800", "\r\n", "NA", "0044", "ё" * 5000, '{"a": ' * 200, "``` | <b>", "\u2028")
"""Texts that models write and that code trips over."""
MIXED = ("", "12.50", "12,50", "Total", "total ", "2026-01-02", "[1, 2]", "\ud800", "ё" * 300)
"""Answers that fit each other, nearly, or not at all."""
ANSWER_TYPES = ("text", "number", "date", "money")


class Golden(Record):
    """A known score."""

    answer: str
    references: tuple[str, ...]
    value: float | None
    """What the metric must say; null for unscored."""
    answer_type: str = "text"


def check_metric(plugin: MetricPlugin, golden: Sequence[Golden], options: dict[str, JsonValue] | None = None) -> None:
    """Check a metric: its known scores, its declared range, and that no text makes it raise.

    Args:
        plugin: What the plugin's hook returns.
        golden: Known scores; at least one of a right and one of a wrong answer.
        options: The metric's options.
    """
    scorer = cast("Callable[[Case, Options], Score]", resolve(plugin.score, owner=f"metric {plugin.name}"))
    chosen = plugin.options.model_validate(options or {})
    assert golden, f"metric {plugin.name} has no golden vectors"
    for each in golden:
        found = scorer(_case(each.answer, each.references, each.answer_type), chosen).value
        same = found == each.value or (found is not None and each.value is not None and abs(found - each.value) < 1e-9)
        assert same, f"metric {plugin.name}: {each.answer!r} against {each.references} is {found}, not {each.value}"
    check_range(plugin, options, answer_type=golden[0].answer_type)


def check_range(
    plugin: MetricPlugin, options: dict[str, JsonValue] | None = None, *, answer_type: str = "text"
) -> None:
    """Check that no text makes a metric raise or leave its declared range."""
    scorer = cast("Callable[[Case, Options], Score]", resolve(plugin.score, owner=f"metric {plugin.name}"))
    chosen = plugin.options.model_validate(options or {})
    for answer in HOSTILE:
        for reference in HOSTILE:
            value = scorer(_case(answer, (reference,), answer_type), chosen).value
            if value is not None:
                low = plugin.lower is None or value >= plugin.lower
                assert low, f"metric {plugin.name}: {value} is below its lower end {plugin.lower}"
                high = plugin.upper is None or value <= plugin.upper
                assert high, f"metric {plugin.name}: {value} is above its upper end {plugin.upper}"


def check_many(plugin: MetricPlugin, options: dict[str, JsonValue] | None = None) -> None:
    """Check that `score_many` says what `score` says: values, weights, categories and details, in the same order.

    The cases are right, wrong, empty and hostile answers, with one reference and with two, of every type of answer, and
    no case at all; a metric may tell an answer's type apart.
    """
    chosen = plugin.options.model_validate(options or {})
    scorer, many = scorer_of(plugin), many_scorer_of(plugin)
    assert many, f"metric {plugin.name} has no score_many"
    cases = [
        Case(answer, references, answer_type, _folded)
        for answer in MIXED
        for references in ((answer,), *((each,) for each in MIXED), (*MIXED[-2:],))
        for answer_type in ANSWER_TYPES
    ]
    for some in ([], cases):
        columns = Cases(
            answers=[case.answer for case in some],
            references=[case.references for case in some],
            answer_types=[case.answer_type for case in some],
            normalize=lambda texts: [_folded(text) for text in texts],
            letters=lambda texts: [letters(text) for text in texts],
        )
        found, ones = many(columns, chosen), [scorer(case, chosen) for case in some]
        for name, column in (
            ("value", found.values),
            ("weight", found.weights or [1.0] * len(some)),
            ("category", found.categories or [""] * len(some)),
            ("detail", found.details or [""] * len(some)),
        ):
            assert len(column) == len(some), (
                f"metric {plugin.name}: score_many gives {len(column)} of {name} for {len(some)} cases"
            )
            for case, said, one in zip(some, column, ones, strict=True):
                expected = getattr(one, name)
                assert _alike(said, expected), (
                    f"metric {plugin.name}: score_many gives {name} {said!r} to {case.answer[:40]!r} against "
                    f"{case.references[0][:40]!r} ({case.answer_type}), score gives {expected!r}"
                )


def check_normalizer(plugin: NormalizerPlugin, texts: Iterable[str] = HOSTILE) -> None:
    """Check a normaliser: it takes any text, and doing it twice changes nothing more."""
    function = cast("Callable[[str], str]", resolve(plugin.function, owner=f"normaliser {plugin.name}"))
    for text in texts:
        once = function(text)
        assert function(once) == once, f"normaliser {plugin.name} is not idempotent on {text[:40]!r}"


def check_reader(
    plugin: DatasetReaderPlugin,
    source: Path | None = None,
    options: dict[str, JsonValue] | None = None,
    split: str = "test",
) -> list[Sample]:
    """Check a dataset reader: unique ids, images that exist inside its folder, the same samples twice.

    Returns:
        The samples, for further checks.
    """
    first = _read(plugin, source, options, split)
    ids = [sample.sample_id for sample in first]
    assert len(ids) == len(set(ids)), f"reader {plugin.name}: sample ids are not unique"
    again = _read(plugin, source, options, split)
    assert first == again, f"reader {plugin.name}: a second reading gives other samples"
    return first


def check_model(
    plugin: ModelPlugin,
    requests: Sequence[Request],
    options: dict[str, JsonValue] | None = None,
    settings: ModelSettings | None = None,
) -> list[Answer]:
    """Check a model where its libraries are installed: it loads, answers each request once, and closes.

    Returns:
        The answers in the order of the requests.
    """
    backend = resolve(plugin.backend, owner=f"model plugin {plugin.name}")
    fits = isinstance(backend, type) and issubclass(backend, Model)
    assert fits, f"model {plugin.name}: {plugin.backend} is not a subclass of vlmbench_sdk.Model"
    make = cast("type[Model[Options]]", backend)
    model = make(plugin.options.model_validate(options or {}), settings or ModelSettings(name=plugin.name))
    try:
        model.load()
        answers = {answer.sample_id: answer for answer in ask_all(model, requests)}
    finally:
        model.close()
    silent = [answer.sample_id for answer in answers.values() if answer.error == "the model gave no answer"]
    assert not silent, f"model {plugin.name} gave no answer to {silent}"
    return [answers[request.sample_id] for request in requests]


def _folded(text: str) -> str:
    """A normalisation that changes something, and takes any text."""
    return text.casefold().strip()


def _alike(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 1e-9
    return one == other


def _case(answer: str, references: tuple[str, ...], answer_type: str) -> Case:
    return Case(answer=answer, references=references, answer_type=answer_type, normalize=str)


def _read(
    plugin: DatasetReaderPlugin, source: Path | None, options: dict[str, JsonValue] | None, split: str
) -> list[Sample]:
    read = cast(
        "Callable[[ReadJob[Options]], Iterable[Sample]]",
        resolve(plugin.read, owner=f"dataset reader {plugin.name}"),
    )
    with tempfile.TemporaryDirectory() as folder:
        chosen = plugin.options.model_validate(options or {})
        job = ReadJob(dataset="check", options=chosen, split=split, language="", out=Path(folder), source=source)
        samples = list(read(job))
        root = job.folder.resolve()
        for sample in samples:
            for image in sample.images:
                path = (root / image).resolve()
                assert path.is_relative_to(root), f"reader {plugin.name}: {image} lies outside of {root}"
                assert path.is_file(), f"reader {plugin.name}: {image} does not exist"
    return samples
