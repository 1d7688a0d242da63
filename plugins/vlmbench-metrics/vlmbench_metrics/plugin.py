"""Hooks of the metrics plugin; light: rapidfuzz is imported where scoring happens."""

from pathlib import Path

from vlmbench_metrics.options import AnlsOptions, ExactMatchOptions, FieldF1Options, JsonValidOptions
from vlmbench_sdk import MetricPlugin, NormalizerPlugin, hookimpl

_TEXT = "vlmbench_metrics.normalizers.text"


@hookimpl
def vlmbench_metrics() -> list[MetricPlugin]:
    """Offer the metrics of this package."""
    return [
        MetricPlugin(
            name="exact_match",
            version=1,
            score="vlmbench_metrics.exact_match:score",
            options=ExactMatchOptions,
            description="1 when the answer is one of the references",
        ),
        MetricPlugin(
            name="anls",
            version=1,
            score="vlmbench_metrics.anls:score",
            options=AnlsOptions,
            description="Average normalised Levenshtein similarity, 0 from half the length on (Biten et al. 2019)",
        ),
        MetricPlugin(
            name="levenshtein_similarity",
            version=1,
            score="vlmbench_metrics.levenshtein_similarity:score",
            description="1 - edits over the longer length",
        ),
        MetricPlugin(
            name="cer",
            version=1,
            score="vlmbench_metrics.cer:score",
            higher_is_better=False,
            upper=None,
            worst=1.0,
            aggregate="corpus",
            unit="edits per character",
            description="Character error rate: edits over reference characters, of the whole corpus",
        ),
        MetricPlugin(
            name="wer",
            version=1,
            score="vlmbench_metrics.wer:score",
            higher_is_better=False,
            upper=None,
            worst=1.0,
            aggregate="corpus",
            unit="edits per word",
            description="Word error rate: edits over reference words, of the whole corpus",
        ),
        MetricPlugin(
            name="field_f1",
            version=1,
            score="vlmbench_metrics.field_f1:score",
            options=FieldF1Options,
            description="F1 over the fields of a JSON object",
        ),
        MetricPlugin(
            name="json_valid",
            version=1,
            score="vlmbench_metrics.json_valid:score",
            options=JsonValidOptions,
            description="1 when the answer is a JSON object with the keys asked for, whatever their values",
        ),
    ]


@hookimpl
def vlmbench_normalizers() -> list[NormalizerPlugin]:
    """Offer the normalisers of this package."""
    simple = {
        "nfkc": "Unicode NFKC",
        "casefold": "Lower case for comparison",
        "whitespace": "One space between words, none at the ends",
        "yo": "Ё becomes Е",
        "quotes": "All quotation marks become straight",
        "dashes": "All dashes become a hyphen",
        "lookalikes": "Cyrillic letters that look Latin become Latin",
        "punctuation": "Only letters, digits and spaces stay",
    }
    families = [
        NormalizerPlugin(name=name, version=1, function=f"{_TEXT}:{name}", description=description)
        for name, description in simple.items()
    ]
    return [
        *families,
        NormalizerPlugin(
            name="dates",
            version=1,
            function="vlmbench_metrics.normalizers.dates:dates",
            description="A date becomes YYYY-MM-DD, day first where ambiguous",
        ),
        NormalizerPlugin(
            name="money",
            version=1,
            function="vlmbench_metrics.normalizers.money:money",
            description="An amount becomes digits with a decimal point",
        ),
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the metric entries."""
    return [Path(__file__).parent / "registries"]
