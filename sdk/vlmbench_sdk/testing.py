"""Conformance checks for plugin authors: call them in the plugin's own tests.

Each raises AssertionError with a sentence when the plugin breaks a promise of its kind.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.metric import Case
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

HOSTILE = ("", " ", "\0", "\ud800", "\r\n", "NA", "0044", "ё" * 5000, '{"a": ' * 200, "``` | <b>", "\u2028")
"""Texts that models write and that code trips over."""


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
