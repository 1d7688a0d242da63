"""Peers that measure the same: one line each in `PEERS`, used where the peer is installed and never copied."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, cast

from pydantic import JsonValue

from vlmbench_sdk import Case, Options, Score

OURS = "vlmbench_metrics."


@dataclass(frozen=True, slots=True)
class PeerCase:
    """What is asked."""

    answer: str
    references: tuple[str, ...]


Function = Callable[..., object]
Call = Callable[[Function, PeerCase, Mapping[str, JsonValue]], float]


def highest(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Call with reference and answer; the highest over references."""
    return max(_float(function(reference, case.answer)) for reference in case.references)


def lowest(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Call with reference and answer; the lowest over references."""
    return min(_float(function(reference, case.answer)) for reference in case.references)


def answer_first(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Call with answer and reference; the highest over references."""
    return max(_float(function(case.answer, reference)) for reference in case.references)


def lists(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Call with a list of references and a list of one answer; the result is a number, or the one value of a dict."""
    found = function([*case.references], [case.answer])
    return _float(next(iter(found.values())) if isinstance(found, dict) else found)


def sentence(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Call with the answer and a list of references; the result has a `score`, as sacrebleu's."""
    return _float(getattr(function(case.answer, [*case.references]), "score", None))


def rouge(function: Function, case: PeerCase, options: Mapping[str, JsonValue]) -> float:
    """Make rouge-score's `RougeScorer` for one kind; the highest F1 over references."""
    kind = f"rouge{str(options.get('kind', 'l')).upper()}"
    scorer = function([kind])
    scores = [getattr(scorer, "score")(reference, case.answer)[kind] for reference in case.references]  # noqa: B009
    return max(_float(score.fmeasure) for score in scores)


def trees(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Call with gold and answer as Python values where they are JSON, and as texts where they are not."""
    return max(_float(function(_value(reference), _value(case.answer))) for reference in case.references)


def applied(function: Function, case: PeerCase, _options: Mapping[str, JsonValue]) -> float:
    """Make evalscope's metric, and apply it to a list of one answer and a list of one JSON list of references."""
    apply = cast("Callable[[list[str], list[str]], list[float]]", getattr(function(), "apply", None))
    return _float(apply([case.answer], [json.dumps([*case.references])])[0])


def tables(function: Function, case: PeerCase, options: Mapping[str, JsonValue]) -> float:
    """Make table_recognition_metric's `TEDS`, and call it with pages of answer and gold; the highest counts."""
    scorer = cast("Function", function(bool(options.get("structure_only"))))
    said, *golds = (f"<html><body>{text}</body></html>" for text in (case.answer, *case.references))
    return max(_float(scorer(said, gold)) for gold in golds)


def as_ours(function: Function, case: PeerCase, options: Mapping[str, JsonValue]) -> float:
    """Call a scorer of this project: the rule of a peer that is too heavy to install, as a metric named `_compat`."""
    scorer = cast("Callable[[Case, Options], Score]", function)
    chosen = import_module(f"{OURS}options").__dict__[_OPTIONS[scorer.__module__.removeprefix(OURS)]]
    return _float(scorer(Case(case.answer, case.references, "text", str), chosen(**options)).value)


_OPTIONS = {"anls_compat": "AnlsOptions", "relaxed_accuracy_compat": "ToleranceOptions", "rouge": "RougeOptions"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's function for one of our metrics."""

    metric: str
    """Name of our metric plugin, whose vectors are asked."""
    name: str
    """Whose function it is, as it is printed."""
    function: str
    """Where it is, as `package.module:name`."""
    call: Call
    """How it is called: one of the functions above."""
    options: tuple[str, ...] = ()
    """Which of our options it understands; vectors with others are left out."""
    texts: Literal["raw", "normalized"] = "normalized"
    """`raw` for a peer that normalises by itself, which is then part of what is compared."""

    @property
    def normalized(self) -> bool:
        """Whether it gets texts that the vector's normalisers went over."""
        return self.texts == "normalized"

    def takes(self, options: Mapping[str, JsonValue]) -> bool:
        """Whether it understands a vector's options."""
        return set(options) <= set(self.options)

    def load(self) -> tuple[Function | None, str]:
        """Import it; None with the reason where it is not installed."""
        module, _, name = self.function.partition(":")
        try:
            return cast("Function", getattr(import_module(module), name)), ""
        except ModuleNotFoundError as error:
            return None, f"{error.name} is not installed"
        except (ImportError, AttributeError) as error:
            return None, f"{self.function} cannot be imported ({error})"


_LMMS, _EVALSCOPE = "lmms_eval.api.metrics", "evalscope.benchmarks.chartqa.utils"
PEERS = (
    Peer("anls", "lmms-eval's rule (anls_compat)", f"{OURS}anls_compat:score", as_ours, ("threshold",), "raw"),
    Peer("anls", "lmms-eval anls", f"{_LMMS}:anls", lists, (), "raw"),
    Peer("anls", "evalscope ANLS", "evalscope.metrics.nlp.metrics:ANLS", applied, (), "raw"),
    Peer("anls", "anls_star anls_score", "anls_star:anls_score", highest, (), "raw"),
    Peer("anls_star", "anls_star anls_score", "anls_star:anls_score", trees),
    Peer(
        "levenshtein_similarity",
        "rapidfuzz normalized_similarity",
        "rapidfuzz.distance.Levenshtein:normalized_similarity",
        highest,
    ),
    Peer(
        "page_edit_distance",
        "rapidfuzz normalized_distance",
        "rapidfuzz.distance.Levenshtein:normalized_distance",
        lowest,
    ),
    Peer("cer", "jiwer cer", "jiwer:cer", lowest),
    Peer("wer", "jiwer wer", "jiwer:wer", lowest),
    Peer("bleu", "sacrebleu sentence_bleu", "sacrebleu:sentence_bleu", sentence),
    Peer("chrf", "sacrebleu sentence_chrf", "sacrebleu:sentence_chrf", sentence),
    Peer("rouge", "rouge-score's rule (rouge_compat)", f"{OURS}rouge:score_compat", as_ours, ("kind",)),
    Peer("rouge", "rouge-score RougeScorer", "rouge_score.rouge_scorer:RougeScorer", rouge, ("kind",)),
    Peer(
        "relaxed_accuracy",
        "lmms-eval's rule (relaxed_accuracy_compat)",
        f"{OURS}relaxed_accuracy_compat:score",
        as_ours,
        ("tolerance",),
    ),
    Peer(
        "relaxed_accuracy",
        "lmms-eval relaxed_correctness",
        "lmms_eval.tasks.chartqa.utils:relaxed_correctness",
        answer_first,
    ),
    Peer("relaxed_accuracy", "evalscope relaxed_correctness", f"{_EVALSCOPE}:relaxed_correctness", answer_first),
    Peer("teds", "table_recognition_metric TEDS", "table_recognition_metric:TEDS", tables, ("structure_only",)),
    Peer("teds", "OCRBench v2's rule (steds_compat)", "vlmbench_structure.steds_compat:similarity", answer_first),
)
"""Every peer; a line makes another one."""


def _value(text: str) -> JsonValue:
    try:
        return cast("JsonValue", json.loads(text))
    except ValueError:
        return text


def _float(found: object) -> float:
    """A number of a peer.

    Raises:
        TypeError: When it is none.
    """
    if isinstance(found, bool | int | float):
        return float(found)
    message = f"it gave {found!r}"
    raise TypeError(message)
