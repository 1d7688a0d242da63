"""Hooks of the structural metrics; light: numpy and scipy are imported where scoring happens."""

from pathlib import Path

from vlmbench_sdk import MetricPlugin, Options, hookimpl
from vlmbench_structure.options import (
    AbsentHallucinationOptions,
    BoxIouOptions,
    ChecksumOptions,
    ClassF1Options,
    ClassOptions,
    DateOrderOptions,
    JsonTedOptions,
    KieF1Options,
    LineItemsTotalOptions,
    TedsOptions,
)

_HERE = Path(__file__).parent
_VERSIONS = {
    "class_accuracy": 3,
    "class_f1": 3,
    "kendall_tau": 3,
    "spearman_rho": 3,
    "reading_order": 3,
    "kie_f1": 3,
    "teds": 2,
    "box_iou": 3,
    "line_items_total": 3,
    "checksum": 3,
    "date_order": 3,
    "json_ted": 2,
    "absent_hallucination": 2,
}
"""Raised whenever the same answer could score otherwise; 1 where it is not named."""


@hookimpl
def vlmbench_metrics() -> list[MetricPlugin]:
    """Offer the metrics of this package."""
    return [
        _metric("class_accuracy", ClassOptions, "1 when the answer names the gold class"),
        MetricPlugin(
            name="class_f1",
            version=_VERSIONS["class_f1"],
            score="vlmbench_structure.class_f1:score",
            combine="vlmbench_structure.class_f1:combine",
            options=ClassF1Options,
            vectors=_vectors("class_f1"),
            description="Macro or weighted precision, recall or F1 of classes, unparsed answers a class of their own",
        ),
        _correlation("kendall_tau", "Kendall's tau of an order, such as of pages"),
        _correlation("spearman_rho", "Spearman's rho of an order, such as of pages"),
        MetricPlugin(
            name="reading_order",
            version=_VERSIONS["reading_order"],
            score="vlmbench_structure.reading_order:score",
            vectors=_vectors("reading_order"),
            description="1 - edits over the longer sequence of blocks",
        ),
        MetricPlugin(
            name="kie_f1",
            version=_VERSIONS["kie_f1"],
            score="vlmbench_structure.kie_f1:score",
            combine="vlmbench_structure.kie_f1:combine",
            options=KieF1Options,
            vectors=_vectors("kie_f1"),
            description="Precision, recall or F1 over the fields of JSON, line items matched as wholes",
        ),
        _metric("json_ted", JsonTedOptions, "Accuracy of a JSON tree by tree edit distance (Donut)"),
        MetricPlugin(
            name="teds",
            version=_VERSIONS["teds"],
            score="vlmbench_structure.teds:score",
            score_many="vlmbench_structure.teds:score_many",
            options=TedsOptions,
            vectors=_vectors("teds"),
            description="Similarity of tables by tree edit distance (Zhong et al. 2020)",
        ),
        _metric("box_iou", BoxIouOptions, "Intersection over union of boxes"),
        _rule("line_items_total", LineItemsTotalOptions, "1 when the line items add up to the total; needs no gold"),
        _rule("checksum", ChecksumOptions, "1 when an ИНН, СНИЛС or IBAN fulfils its checksum; needs no gold"),
        _rule("date_order", DateOrderOptions, "1 when two dates stand in their order; needs no gold"),
        MetricPlugin(
            name="absent_hallucination",
            version=_VERSIONS["absent_hallucination"],
            score="vlmbench_structure.absent_hallucination:score",
            options=AbsentHallucinationOptions,
            higher_is_better=False,
            worst=1.0,
            vectors=_vectors("absent_hallucination"),
            description="1 when something is answered though the field is absent",
        ),
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the metric entries."""
    return [_HERE / "registries"]


def _metric(name: str, options: type[Options], description: str) -> MetricPlugin:
    return MetricPlugin(
        name=name,
        version=_VERSIONS.get(name, 1),
        score=f"vlmbench_structure.{name}:score",
        options=options,
        vectors=_vectors(name),
        description=description,
    )


def _rule(name: str, options: type[Options], description: str) -> MetricPlugin:
    return _metric(name, options, description).model_copy(update={"needs_gold": False})


def _correlation(name: str, description: str) -> MetricPlugin:
    return MetricPlugin(
        name=name,
        version=_VERSIONS.get(name, 1),
        score=f"vlmbench_structure.{name}:score",
        lower=-1.0,
        worst=-1.0,
        vectors=_vectors(name),
        description=description,
    )


def _vectors(name: str) -> Path:
    return _HERE / "vectors" / f"{name}.yaml"
