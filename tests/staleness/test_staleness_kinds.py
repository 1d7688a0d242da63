"""Each kind of change × each asset: exactly the expected stale set, for exactly the expected reasons."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.cells import bench_of
from tests.staleness.made import MODEL, PROMPTS, SAMPLES, write_benchmark, write_dataset
from tests.support import write_yaml
from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.leaderboard import models_of
from vlmbench_assets.plan import Plan, make_plan
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import CELL_ASSETS
from vlmbench_sdk import MetricPlugin, ModelPlugin, NormalizerPlugin
from vlmbench_sdk.plugin_specs import ChartPlugin, DatasetReaderPlugin

Cells = dict[str, dict[str, list[str]]]
"""By `model|dataset`: the assets that are stale of themselves, with their reasons; `ask` counts samples."""
ALL = ("asking|big", "plain|big", "asking|tiny", "plain|tiny")


@dataclass(frozen=True)
class Kind:
    """One kind of change, and what it makes stale."""

    name: str
    change: Callable[[Path], None] = lambda _root: None
    stale: Mapping[str, dict[str, list[str]]] = field(default_factory=dict)
    ask: Mapping[str, int] = field(default_factory=dict)
    patch: Callable[[Bench], Bench] = lambda bench: bench
    read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def edit(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: write_yaml(root, name, text)


def rows(name: str, more: int = 0, **changes: Mapping[str, object]) -> Callable[[Path], None]:
    numbered = {int(key[1:]): value for key, value in changes.items()}
    return lambda root: write_dataset(root, name, numbered, more)


def of(model: str, **reasons: list[str]) -> Cells:
    return {f"{model}|{dataset}": reasons for dataset in SAMPLES}


def everywhere(**reasons: list[str]) -> Cells:
    return dict.fromkeys(ALL, reasons)


def in_tiny(**reasons: list[str]) -> Cells:
    return {"asking|tiny": reasons, "plain|tiny": reasons}


def all_of(model: str) -> dict[str, int]:
    return {f"{model}|{dataset}": number for dataset, number in SAMPLES.items()}


def touch(root: Path) -> None:
    for path in sorted((root / "source").rglob("*")):
        os.utime(path, (1, 1))
    shutil.copytree(root / "source", root / "again")
    shutil.rmtree(root / "source")
    (root / "again").rename(root / "source")


def picture(root: Path) -> None:
    (root / "source/tiny/p0.png").write_bytes(b"another page")


def owner(hook: str, name: str) -> Callable[[Bench], Bench]:
    """The distribution that brings something was upgraded."""

    def patch(bench: Bench) -> Bench:
        upgraded = bench.plugins.owners[hook, name].model_copy(update={"version": "9.9.9"})
        owners = {**bench.plugins.owners, (hook, name): upgraded}
        return replace(bench, plugins=replace(bench.plugins, owners=owners))

    return patch


Spec = ModelPlugin | MetricPlugin | NormalizerPlugin | ChartPlugin | DatasetReaderPlugin


def plugin(kind: str, name: str, **changes: object) -> Callable[[Bench], Bench]:
    """A plugin says something else of itself."""

    def patch(bench: Bench) -> Bench:
        specs: Mapping[str, Spec] = getattr(bench.plugins, kind)
        changed = {**specs, name: specs[name].model_copy(update=changes)}
        return replace(bench, plugins=replace(bench.plugins, **{kind: changed}))  # type: ignore[arg-type]

    return patch


def both(dataset: str, asking: list[str], plain: list[str], **others: list[str]) -> Cells:
    return {f"asking|{dataset}": {"answers": asking, **others}, f"plain|{dataset}": {"answers": plain, **others}}


FILES = {"tiny": ("files of the source changed",)}
SAMPLES_CHANGED = {"report": ["samples changed"]}

ECHO = "vlmbench-echo"

KINDS = [
    Kind("nothing"),
    Kind("comment, key order and quotes", edit("models/plain", 'options:\n  answer: "{field}"\nplugin: echo # x\n')),
    Kind("description", edit("models/plain", MODEL + "description: for lists\n")),
    Kind("retry policy", edit("models/plain", MODEL + "retry: {attempts: 9, first_s: 3}\n")),
    Kind("price", edit("models/plain", MODEL + "price: {input_per_million: 1, output_per_million: 2}\n")),
    Kind("option without effect", edit("models/plain", "plugin: echo\noptions: {answer: '{field}', latency_ms: 3}\n")),
    Kind("default written out", edit("models/plain", "plugin: echo\noptions: {answer: '{field}', fail_load: ''}\n")),
    Kind("files with other times and inodes", touch),
    Kind("licence of a dataset", edit("datasets/tiny", "reader: jsonl\nsource: source/tiny\nlicence: MIT\n")),
    Kind("a model that is in no benchmark", edit("models/other", "plugin: echo\n")),
    Kind(
        "option",
        edit("models/plain", "plugin: echo\noptions: {answer: '{field}', raise_on: [nobody]}\n"),
        of("plain", answers=['option raise_on [] → ["nobody"]']),
        all_of("plain"),
    ),
    Kind(
        "generation setting",
        edit("models/plain", MODEL + "generation: {temperature: 0.5}\n"),
        of("plain", answers=["generation temperature (none) → 0.5"]),
        all_of("plain"),
    ),
    Kind(
        "revision",
        edit("models/plain", MODEL + "revision: a1b2\n"),
        of("plain", answers=["model revision (none) → a1b2"]),
        all_of("plain"),
    ),
    Kind(
        "version of the model's plugin",
        patch=owner("vlmbench_models", "echo"),
        stale=everywhere(answers=[f"plugin echo {ECHO}==0.1.0 → echo {ECHO}==9.9.9"]),
        ask={**all_of("asking"), **all_of("plain")},
    ),
    Kind(
        "prompt of one field",
        edit("prompts/p", "user: 'Read: {{ question }}'\nrules:\n- {field: [f1], user: 'Uno: {{ field }}'}\n"),
        {
            "asking|big": {"answers": ["prompt p changed (3 of 12 samples)"]},
            "asking|tiny": {"answers": ["prompt p changed (1 of 4 samples)"]},
        },
        {"asking|big": 3, "asking|tiny": 1},
    ),
    Kind("prompt rule that matches nothing", edit("prompts/p", PROMPTS + "- {field: [none], user: x}\n")),
    Kind("where a prompt was tuned", edit("prompts/p", PROMPTS + "tuned_on: ['big:train']\n")),
    Kind(
        "other prompt collection",
        edit("models/asking", "plugin: echo\nprompts: q\noptions: {answer: '{field}'}\n"),
        {
            "asking|big": {"answers": ["prompt q changed (12 of 12 samples)"]},
            "asking|tiny": {"answers": ["prompt q changed (4 of 4 samples)"]},
        },
        all_of("asking"),
    ),
    Kind(
        "question of a sample",
        rows("tiny", s0={"question": "How much?"}),
        both("tiny", ["prompt p changed (1 of 4 samples)"], ["question changed (1 of 4 samples)"], **SAMPLES_CHANGED),
        {"asking|tiny": 1, "plain|tiny": 1},
        read=FILES,
    ),
    Kind(
        "question that its prompt does not use",
        rows("tiny", s1={"question": "How much?"}),
        {
            "asking|tiny": SAMPLES_CHANGED,
            "plain|tiny": {"answers": ["question changed (1 of 4 samples)"], **SAMPLES_CHANGED},
        },
        {"plain|tiny": 1},
        read=FILES,
    ),
    Kind(
        "pixel",
        picture,
        both("tiny", ["image changed (4 of 4 samples)"], ["image changed (4 of 4 samples)"], **SAMPLES_CHANGED),
        {"asking|tiny": 4, "plain|tiny": 4},
        read=FILES,
    ),
    Kind("a picture that no sample shows", lambda root: (root / "source/tiny/p3.png").unlink(), read=FILES),
    Kind(
        "reference",
        rows("tiny", s2={"gold": "other"}),
        in_tiny(metrics=["references changed"], **SAMPLES_CHANGED),
        read=FILES,
    ),
    Kind(
        "subset of a sample",
        rows("tiny", s2={"subset": "blur"}),
        in_tiny(aggregates=["slices of the samples changed"], **SAMPLES_CHANGED),
        read=FILES,
    ),
    Kind(
        "field of a sample",
        rows("tiny", s3={"field": "f9"}),
        both(
            "tiny",
            ["document, field, type or language changed (1 of 4 samples)"],
            ["document, field, type or language changed (1 of 4 samples)"],
            metrics=["references changed"],
            aggregates=["slices of the samples changed"],
            **SAMPLES_CHANGED,
        ),
        {"asking|tiny": 1, "plain|tiny": 1},
        read=FILES,
    ),
    Kind(
        "samples appended",
        rows("tiny", more=3),
        both(
            "tiny",
            ["3 samples added"],
            ["3 samples added"],
            metrics=["references changed"],
            aggregates=["slices of the samples changed"],
            **SAMPLES_CHANGED,
        ),
        {"asking|tiny": 3, "plain|tiny": 3},
        read=FILES,
    ),
    Kind(
        "a sample deleted",
        rows("tiny", s3={"gone": True}),
        both(
            "tiny",
            ["1 sample removed"],
            ["1 sample removed"],
            metrics=["references changed"],
            aggregates=["slices of the samples changed"],
            **SAMPLES_CHANGED,
        ),
        read=FILES,
    ),
    Kind(
        "version of the reader, which reads the same",
        patch=owner("vlmbench_dataset_readers", "jsonl"),
        read=dict.fromkeys(SAMPLES, ("reader jsonl vlmbench-documents==0.1.0 → jsonl vlmbench-documents==9.9.9",)),
    ),
    Kind(
        "version of a metric",
        patch=plugin("metrics", "exact_match", version=2),
        stale=everywhere(
            metrics=["metric exact_match@1 → exact_match@2", "metric mine (exact_match@1) → mine (exact_match@2)"],
            aggregates=["metric exact_match@1 → exact_match@2", "metric mine (exact_match@1) → mine (exact_match@2)"],
        ),
    ),
    Kind(
        "normalisation profile",
        edit("metrics/mine", "plugin: exact_match\nnormalize: [punctuation, yo]\n"),
        everywhere(metrics=["metric mine: normalize punctuation@1 → punctuation@1, yo@1"]),
    ),
    Kind(
        "version of a normaliser",
        patch=plugin("normalizers", "punctuation", version=2),
        stale=everywhere(metrics=["metric mine: normalize punctuation@1 → punctuation@2"]),
    ),
    Kind(
        "what a metric applies to",
        edit("metrics/mine", "plugin: exact_match\nnormalize: [punctuation]\napplies_to: {field: [f1]}\n"),
        everywhere(metrics=['metric mine: applies_to (none) → {"field":["f1"]}']),
    ),
    Kind(
        "metric added",
        lambda root: write_benchmark(root, "[exact_match, mine, cer]"),
        everywhere(metrics=["metric cer@1 added"], aggregates=["metric cer@1 added"]),
    ),
    Kind(
        "metric removed",
        lambda root: write_benchmark(root, "[exact_match]"),
        everywhere(metrics=["metric mine (exact_match@1) removed"], aggregates=["metric mine (exact_match@1) removed"]),
    ),
    Kind(
        "headline",
        lambda root: write_benchmark(root, more="headline: mine"),
        everywhere(report=["headline exact_match → mine"]),
    ),
    Kind(
        "version of a chart's plugin",
        patch=owner("vlmbench_charts", "heatmap"),
        stale=everywhere(report=["chart heatmap vlmbench-assets==0.1.0 → vlmbench-assets==9.9.9"]),
    ),
]


def shown(plan: Plan) -> Cells:
    return {
        f"{each.judged.cell.model}|{each.judged.cell.dataset}": {
            asset: list(found.reasons) for asset, found in each.judged.assets.items() if found.state == "stale"
        }
        for each in plan.to_do
    }


def followed(own: Mapping[str, dict[str, list[str]]]) -> Cells:
    """Add to each cell that what follows from a stale asset is stale."""
    full: Cells = {}
    for cell, reasons in own.items():
        full[cell] = {}
        before = ""
        for asset in CELL_ASSETS:
            found = [*reasons.get(asset, []), *([f"after {before}"] if before else [])]
            if found:
                full[cell][asset] = found
                before = asset
    return full


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_exactly_what_changed_is_stale(kind: Kind, made: Path, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    shutil.copytree(made, root)
    kind.change(root)
    bench = kind.patch(bench_of(root))
    plan = make_plan(bench, [Cell(*name.split("|")) for name in ALL])
    assert shown(plan) == followed(kind.stale)
    asked = {f"{each.judged.cell.model}|{each.judged.cell.dataset}": each.judged.to_ask for each in plan.to_do}
    assert {name: number for name, number in asked.items() if number} == dict(kind.ask)
    assert plan.read == dict(kind.read)
    assert plan.unreadable == {}
    judge = Judge(bench)
    for dataset in SAMPLES:
        moved = kind.name == "headline"
        fresh = judge.leaderboard(dataset, models_of(bench, dataset)).state == "fresh"
        # A leaderboard is stale once the tables are new; a new headline shows at once.
        assert fresh != moved, dataset
