"""Changes of metrics, aggregation and pages: nothing is asked."""

from pathlib import Path

from tests.staleness.kinds import Kind, edit, everywhere, in_tiny, of, owner, plugin
from tests.staleness.made import MINE, PLAIN, PROMPTS, SAMPLES, TINY, write_benchmark
from tests.support import write_yaml

ASSETS = "vlmbench-assets"
NEW_VERSIONS = ["metric exact_match@3 → exact_match@4", "metric mine (exact_match@3) → mine (exact_match@4)"]
CONTRACTS = ["output contracts of the prompts changed"]
PRICED = 'price (none) → {"currency":"USD","input_per_million":1.0,"output_per_million":2.0}'
CER = ["metric cer@1 added"]
EXACT = """plugin: exact_match
options: {typed: false}
normalize: [nfkc, casefold, quotes, dashes, yo, whitespace]
applies_to: {answer_type: [text, choice, number, date, money]}
"""
UNTYPED = "metric exact_match: option typed true → false"


def join(root: Path) -> None:
    write_yaml(root, "models/new", "plugin: echo\n")
    write_benchmark(root, models="asking, plain, new")


def leave(root: Path) -> None:
    write_benchmark(root, models="asking", name="b")
    write_benchmark(root, models="plain", name="c")


SCORES = [
    Kind(
        "version of a metric",
        patch=plugin("metrics", "exact_match", version=4),
        stale=everywhere(metrics=NEW_VERSIONS, aggregates=NEW_VERSIONS),
        said=tuple(NEW_VERSIONS),
        boards=dict.fromkeys(SAMPLES, (NEW_VERSIONS[0],)),
    ),
    Kind(
        "option of the headline",
        edit("metrics/exact_match", EXACT),
        everywhere(metrics=[UNTYPED]),
        boards=dict.fromkeys(SAMPLES, (UNTYPED,)),
    ),
    Kind(
        "option of a metric",
        edit("metrics/mine", MINE + "options: {typed: true}\n"),
        everywhere(metrics=["metric mine: option typed false → true"]),
    ),
    Kind(
        "other plugin behind a metric",
        edit("metrics/mine", "plugin: anls\nnormalize: [punctuation]\n"),
        everywhere(
            metrics=["metric mine (exact_match@3) → mine (anls@1)"],
            aggregates=["metric mine (exact_match@3) → mine (anls@1)"],
        ),
        said=("metric mine (exact_match@3) → mine (anls@1)",),
    ),
    Kind(
        "normalisation profile",
        edit("metrics/mine", "plugin: exact_match\nnormalize: [punctuation, yo]\n"),
        everywhere(metrics=["metric mine: normalize punctuation@1 → punctuation@1, yo@1"]),
    ),
    Kind(
        "normalisation profile taken away",
        edit("metrics/mine", "plugin: exact_match\n"),
        everywhere(metrics=["metric mine: normalize punctuation@1 → (none)"]),
    ),
    Kind(
        "version of a normaliser",
        patch=plugin("normalizers", "punctuation", version=2),
        stale=everywhere(metrics=["metric mine: normalize punctuation@1 → punctuation@2"]),
    ),
    Kind(
        "what a metric applies to",
        edit("metrics/mine", MINE + "applies_to: {field: [f1]}\n"),
        everywhere(metrics=['metric mine: applies_to (none) → {"field":["f1"]}']),
    ),
    Kind(
        "metric added",
        lambda root: write_benchmark(root, metrics="exact_match, mine, cer"),
        everywhere(metrics=CER, aggregates=CER),
        said=tuple(CER),
    ),
    Kind(
        "metric removed",
        lambda root: write_benchmark(root, metrics="exact_match"),
        everywhere(metrics=["metric mine (exact_match@3) removed"], aggregates=["metric mine (exact_match@3) removed"]),
        said=("metric mine (exact_match@3) removed",),
    ),
    Kind(
        "metric of one dataset",
        edit("datasets/tiny", TINY + "metrics: [cer]\n"),
        in_tiny(metrics=CER, aggregates=CER),
        said=tuple(CER),
    ),
    Kind(
        "another benchmark with one cell",
        edit("benchmarks/c", "models: [plain]\ndatasets: [tiny]\nmetrics: [cer]\ndimensions: [subset]\n"),
        {"plain|tiny": {"metrics": CER, "aggregates": ["dimensions: subset added", *CER]}},
        said=(*CER, "dimensions: subset added"),
    ),
    Kind(
        "dimension added",
        lambda root: write_benchmark(root, dimensions="overall, field, subset"),
        everywhere(aggregates=["dimensions: subset added"]),
    ),
    Kind(
        "dimensions exchanged",
        lambda root: write_benchmark(root, dimensions="overall, subset, language"),
        everywhere(aggregates=["dimensions: subset added, language added, field removed"]),
    ),
    Kind(
        "more dimensions than a lineage shows by name",
        lambda root: write_benchmark(root, dimensions=", ".join(f"attributes.number{each}" for each in range(9))),
        everywhere(aggregates=["dimensions changed"]),
    ),
    Kind(
        "way of aggregating",
        constants={"AGGREGATION": "another"},
        stale=everywhere(aggregates=["way of aggregating changed"]),
    ),
    Kind(
        "headline",
        lambda root: write_benchmark(root, headline="mine"),
        everywhere(report=["headline exact_match → mine"]),
        boards=dict.fromkeys(SAMPLES, ("headline exact_match → mine",)),
    ),
    Kind(
        "version of a chart's plugin",
        patch=owner("vlmbench_charts", "heatmap"),
        stale=everywhere(report=[f"chart heatmap {ASSETS}==0.1.0 → {ASSETS}==9.9.9"]),
    ),
    Kind(
        "layout of the pages",
        constants={"PAGE": "another"},
        stale=everywhere(report=["layout of the page changed"]),
        boards=dict.fromkeys(SAMPLES, ("layout of the page changed",)),
        benchmark=(),
    ),
    Kind(
        "output contract",
        edit("prompts/p", PROMPTS + "expects: {type: text}\n"),
        of("asking", metrics=CONTRACTS, aggregates=CONTRACTS),
        said=tuple(CONTRACTS),
    ),
    Kind(
        "prompts tuned on a split that is scored",
        edit("prompts/p", PROMPTS + "tuned_on: ['big:test']\n"),
        {"asking|big": {"report": ["on which split the prompts were tuned changed"]}},
        boards={"big": ("model asking changed",)},
    ),
    Kind(
        "price",
        edit("models/plain", PLAIN + "price: {input_per_million: 1, output_per_million: 2}\n"),
        of("plain", report=[PRICED]),
        boards=dict.fromkeys(SAMPLES, (f"price of plain{PRICED.removeprefix('price')}",)),
    ),
    Kind("model joined", join, boards=dict.fromkeys(SAMPLES, ("model new joined",))),
    Kind(
        "model that left for another benchmark",
        leave,
        benchmark=("leaderboard big changed", "leaderboard tiny changed"),
    ),
]
