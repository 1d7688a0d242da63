"""Hooks of the metrics plugin; light: rapidfuzz is imported where scoring happens."""

from pathlib import Path

from vlmbench_metrics.options import (
    AnlsOptions,
    BleuOptions,
    ChoiceAccuracyOptions,
    ChrfOptions,
    DateToleranceOptions,
    ExactMatchOptions,
    FieldF1Options,
    JsonValidOptions,
    NumericToleranceOptions,
    RelaxedAccuracyOptions,
    RougeOptions,
    ToleranceOptions,
)
from vlmbench_sdk import MetricPlugin, NoOptions, NormalizerPlugin, Options, hookimpl

_HERE = Path(__file__).parent
_TEXT = "vlmbench_metrics.normalizers.text"
_VERSIONS = {
    "exact_match": 3,
    "relaxed_accuracy": 3,
    "relaxed_accuracy_compat": 3,
    "numeric_tolerance": 3,
    "date_tolerance": 3,
    "choice_accuracy": 3,
    "anls_star": 3,
    "rouge": 2,
    "field_f1": 3,
    "json_valid": 3,
}
"""Raised whenever the same answer could score otherwise; 1 where it is not named."""


@hookimpl
def vlmbench_metrics() -> list[MetricPlugin]:
    """Offer the metrics of this package."""
    return [*_RIGHT_OR_WRONG, *_SIMILARITIES, *_DISTANCES, *_LONG_TEXTS, *_JSON]


def _metric(name: str, description: str, options: type[Options] = NoOptions, *, many: bool = False) -> MetricPlugin:
    """A metric in a file of its own name, from 0 to 1, higher being better."""
    return MetricPlugin(
        name=name,
        version=_VERSIONS.get(name, 1),
        score=f"vlmbench_metrics.{name}:score",
        score_many=f"vlmbench_metrics.{name}:score_many" if many else None,
        options=options,
        vectors=_HERE / "vectors" / f"{name}.yaml",
        description=description,
    )


_RIGHT_OR_WRONG = (
    _metric("exact_match", "1 when the answer is one of the references", ExactMatchOptions, many=True),
    _metric(
        "relaxed_accuracy",
        "1 when a number is within 5 %, or a text equal (ChartQA, Masry et al. 2022)",
        RelaxedAccuracyOptions,
    ),
    _metric(
        "relaxed_accuracy_compat",
        "Relaxed accuracy as lmms-eval has it: a gold of 0 is a text, thousands separators are not read",
        ToleranceOptions,
    ),
    _metric("numeric_tolerance", "1 when the answer's number is near enough", NumericToleranceOptions),
    _metric("date_tolerance", "1 when the answer's date is near enough", DateToleranceOptions),
    _metric("choice_accuracy", "1 when the choice read out of the answer is right", ChoiceAccuracyOptions),
)
_SIMILARITIES = (
    _metric(
        "anls",
        "Average normalised Levenshtein similarity, 0 from half the length on (Biten et al. 2019)",
        AnlsOptions,
        many=True,
    ),
    _metric("anls_compat", "ANLS as lmms-eval and VLMEvalKit have it: over the length of raw strings", AnlsOptions),
    _metric("anls_star", "ANLS over objects and lists (Peer et al. 2024)", AnlsOptions),
    _metric("levenshtein_similarity", "1 - edits over the longer length", many=True),
    _metric("token_f1", "F1 over words (SQuAD, Rajpurkar et al. 2016)"),
)
_DISTANCES = (
    _metric("cer", "Character error rate: edits over reference characters, of the whole corpus", many=True).model_copy(
        update={
            "higher_is_better": False,
            "upper": None,
            "worst": 1.0,
            "aggregate": "corpus",
            "unit": "edits per character",
        }
    ),
    _metric("wer", "Word error rate: edits over reference words, of the whole corpus", many=True).model_copy(
        update={
            "higher_is_better": False,
            "upper": None,
            "worst": 1.0,
            "aggregate": "corpus",
            "unit": "edits per word",
        }
    ),
    _metric("page_edit_distance", "Edits over the longer length, mean of pages (OmniDocBench)", many=True).model_copy(
        update={"higher_is_better": False, "worst": 1.0}
    ),
)
_LONG_TEXTS = (
    _metric("rouge", "ROUGE-1, -2 or -L, words of any alphabet (Lin 2004)", RougeOptions),
    _metric("rouge_compat", "ROUGE as rouge-score has it: ASCII words only", RougeOptions).model_copy(
        update={"score": "vlmbench_metrics.rouge:score_compat"}
    ),
    _metric("bleu", "BLEU by sacrebleu; the aggregate is corpus BLEU", BleuOptions).model_copy(
        update={"upper": 100.0, "unit": "points", "combine": "vlmbench_metrics.bleu:combine"}
    ),
    _metric("chrf", "chrF by sacrebleu, mean of samples", ChrfOptions).model_copy(
        update={"upper": 100.0, "unit": "points"}
    ),
)
_JSON = (
    _metric("field_f1", "F1 over the fields of a JSON object or list", FieldF1Options),
    _metric(
        "json_valid",
        "1 when the answer is a JSON object with the keys asked for, whatever their values",
        JsonValidOptions,
    ),
)


@hookimpl
def vlmbench_normalizers() -> list[NormalizerPlugin]:
    """Offer the normalisers of this package."""
    characters = {
        "nfkc": "Unicode NFKC",
        "casefold": "Lower case for comparison",
        "yo": "Ё becomes Е",
        "quotes": "All quotation marks become straight",
        "dashes": "All dashes become a hyphen",
        "lookalikes": "Cyrillic letters that look Latin become Latin",
        "punctuation": "Only letters, digits and spaces stay",
    }
    families = [
        NormalizerPlugin(name=name, version=1, function=f"{_TEXT}:{name}", reach="characters", description=description)
        for name, description in characters.items()
    ]
    return [
        *families,
        NormalizerPlugin(
            name="whitespace",
            version=1,
            function=f"{_TEXT}:whitespace",
            reach="spaces",
            description="One space between words, none at the ends",
        ),
        NormalizerPlugin(
            name="articles",
            version=1,
            function=f"{_TEXT}:articles",
            description="The English articles a, an and the go",
        ),
        NormalizerPlugin(
            name="dates",
            version=2,
            function="vlmbench_metrics.normalizers.dates:dates",
            description="A date becomes YYYY-MM-DD, day first where ambiguous",
        ),
        NormalizerPlugin(
            name="money",
            version=2,
            function="vlmbench_metrics.normalizers.money:money",
            description="An amount becomes digits with a decimal point",
        ),
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the metric entries."""
    return [_HERE / "registries"]
