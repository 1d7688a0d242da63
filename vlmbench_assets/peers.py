"""Peers that measure the same: one line each in `PEERS`, used where the peer is installed and never copied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vlmbench_assets import peer_process as how
from vlmbench_assets.peer_process import OURS, Function, Question
from vlmbench_sdk.vectors import Vector

Reasons = Mapping[tuple[str, str], str]
"""Why a peer differs, by answer and first reference of a vector, as its code shows."""

_HALF = "keeps a similarity of exactly one half; in the paper the distance must be below it"
_RAW = "divides by the length of the raw texts, white space included"
ANLS: Reasons = {("ab", "ac"): _HALF, ("cd" + " " * 50, "ab"): _RAW, ("ab cd xx", "ab   cd ef"): _RAW}
_TYPES = "a tree without any text and an empty text are of two types, which is 0 to it"
ANLS_STAR: Reasons = {
    ("ab", "ac"): _HALF,
    ("{}", ""): _TYPES,
    ("", "{}"): _TYPES,
    ("", '{"a": null, "b": [""]}'): _TYPES,
    ('Here it is: [{"item": "tea"}]', '[{"item": "tea"}]'): "takes values, and this text is none",
    ('{"a": "x", "b": null}', '{"a": "x"}'): "counts a key whose value is None, which its README says is ignored",
}
_FLOAT = "reads numbers with float(), which knows no separators, currencies or parentheses, and compares the texts"
CHARTQA: Reasons = {
    ("0.0", "0"): "takes a target of 0 for no number, and compares the texts",
    ("1,000", "1000"): _FLOAT,
    ("1 234,50 руб.", "1234.5"): _FLOAT,
    ("(5.00)", "-5"): _FLOAT,
    ("$1,200.00", "1200"): _FLOAT,
    ("5%", "5"): "divides by 100 on the side with the mark only",
}
_IDENTICAL = "<table>\n\n<tr><td>a</td></tr></table>"
_EMPTY_LINE = "an empty line differs from every line, itself included"
STEDS: Reasons = {(_IDENTICAL, _IDENTICAL): _EMPTY_LINE, ("", ""): _EMPTY_LINE}
_ROW = "<table><tr><td>a</td><td>b</td></tr></table>"
_TH = "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"
_HEAD = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
_ROWS = "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>"
_MARKDOWN = "| a | b |\n|---|---|\n| 1 | 2 |"
_HTML_ONLY = "reads HTML only"
TEDS: Reasons = {
    (_TH, _TH.replace("th>", "td>")): "a th is another node than a td",
    (_MARKDOWN, _HEAD): _HTML_ONLY,
    (_MARKDOWN, _ROWS): _HTML_ONLY,
    (f"{_MARKDOWN} 3 | 4 |", _MARKDOWN): _HTML_ONLY,
    ("", ""): "says 0 where either text is empty, also where both are",
    (_ROW, "a b"): "says 0 to gold without a table",
}
CER: Reasons = {("ab ", "ab"): "strips white space at the ends"}
BLEU: Reasons = {("", ""): "says 0 to two empty texts"}
_LATIN = "drops all but a-z and digits"
ROUGE: Reasons = {
    ("Итого 100", "Сумма 100"): _LATIN,
    ("Итого 100", "Итого 100"): _LATIN,
    ("की", "का"): _LATIN,
    ("one", "one"): "says 0 where there is no pair of words, also to equal texts",
    ("", ""): "says 0 to two empty texts",
}


def _any(_vector: Vector) -> bool:
    return True


def _identity(vector: Vector) -> bool:
    return vector.answer in vector.references


def _pubtabnet(vector: Vector) -> bool:
    return vector.options.get("count") == "pubtabnet"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's function for one of our metrics."""

    metric: str
    """Name of our metric plugin, whose vectors are asked."""
    name: str
    """Whose function it is, as it is printed."""
    distribution: str
    """The package that brings it, whose version is printed."""
    function: str
    """Where it is, as `package.module:name`."""
    call: Callable[[Function, Question], object]
    """How it is called: a function of `peer_process`."""
    options: tuple[str, ...] = ()
    """Which of our options it understands; vectors with others are left out."""
    texts: Literal["raw", "normalized"] = "normalized"
    """`raw` for a peer that normalises by itself, which is then part of what is compared."""
    reasons: Reasons = field(default_factory=dict)
    """Why it differs."""
    only: Callable[[Vector], bool] = _any
    """Which vectors it is asked about, where it measures less than our metric."""

    @property
    def is_ours(self) -> bool:
        """Whether it is a peer's rule in code of this project, for those who have not installed that peer."""
        return self.distribution.startswith("vlmbench-")

    def takes(self, vector: Vector) -> bool:
        """Whether it can be asked: one answer, and options that it understands."""
        return not vector.cases and set(vector.options) <= set(self.options) and self.only(vector)

    def question(self, vector: Vector, normalize: Callable[[str], str]) -> Question:
        """What it is asked."""
        change = normalize if self.texts == "normalized" else str
        return {
            "distribution": self.distribution,
            "function": self.function,
            "call": self.call.__name__,
            "answer": change(vector.answer or ""),
            "references": [change(reference) for reference in vector.references],
            "options": dict(vector.options),
        }

    def reason(self, vector: Vector) -> str:
        """Why it differs on a vector; empty where nobody has found out."""
        return self.reasons.get((vector.answer or "", next(iter(vector.references), "")), "")


_METRICS = "vlmbench-metrics"
_LIGHT = (
    Peer(
        "anls",
        "lmms-eval's rule (anls_compat)",
        _METRICS,
        f"{OURS}anls_compat:score",
        how.as_ours,
        ("threshold",),
        "raw",
        ANLS,
    ),
    Peer("anls", "anls_star anls_score", "anls-star", "anls_star:anls_score", how.highest, (), "raw", ANLS),
    Peer("anls_star", "anls_star anls_score", "anls-star", "anls_star:anls_score", how.trees, reasons=ANLS_STAR),
    Peer(
        "levenshtein_similarity",
        "rapidfuzz normalized_similarity",
        "rapidfuzz",
        "rapidfuzz.distance.Levenshtein:normalized_similarity",
        how.highest,
    ),
    Peer(
        "page_edit_distance",
        "rapidfuzz normalized_distance",
        "rapidfuzz",
        "rapidfuzz.distance.Levenshtein:normalized_distance",
        how.lowest,
    ),
    Peer("cer", "jiwer cer", "jiwer", "jiwer:cer", how.lowest, reasons=CER),
    Peer("wer", "jiwer wer", "jiwer", "jiwer:wer", how.lowest),
    Peer("bleu", "sacrebleu sentence_bleu", "sacrebleu", "sacrebleu:sentence_bleu", how.sentence, reasons=BLEU),
    Peer("chrf", "sacrebleu sentence_chrf", "sacrebleu", "sacrebleu:sentence_chrf", how.sentence, reasons=BLEU),
    Peer(
        "rouge",
        "rouge-score's rule (rouge_compat)",
        _METRICS,
        f"{OURS}rouge:score_compat",
        how.as_ours,
        ("kind",),
        reasons=ROUGE,
    ),
    Peer(
        "rouge",
        "rouge-score RougeScorer",
        "rouge-score",
        "rouge_score.rouge_scorer:RougeScorer",
        how.rouge,
        ("kind",),
        reasons=ROUGE,
    ),
    Peer(
        "relaxed_accuracy",
        "lmms-eval's rule (relaxed_accuracy_compat)",
        _METRICS,
        f"{OURS}relaxed_accuracy_compat:score",
        how.as_ours,
        ("tolerance",),
        reasons=CHARTQA,
    ),
    Peer(
        "teds",
        "table_recognition_metric TEDS",
        "table-recognition-metric",
        "table_recognition_metric:TEDS",
        how.tables,
        ("structure_only",),
        reasons=TEDS,
    ),
    Peer(
        "teds",
        "OCRBench v2's rule (steds_compat)",
        "vlmbench-structure",
        "vlmbench_structure.steds_compat:similarity",
        how.answer_first,
        reasons=STEDS,
        only=_identity,
    ),
)


def _ocrbench(name: str, distribution: str, module: str) -> tuple[Peer, Peer]:
    """The two scores in a framework's copy of OCRBench v2's TEDS_metric.py: TEDS after PubTabNet, and STEDS."""
    return (
        Peer(
            "teds",
            f"{name} TEDS",
            distribution,
            f"{module}:TEDS",
            how.tables,
            ("structure_only", "count"),
            only=_pubtabnet,
        ),
        Peer(
            "teds",
            f"{name} STEDS",
            distribution,
            f"{module}:doc_parsing_evaluation",
            how.answer_first,
            reasons=STEDS,
            only=_identity,
        ),
    )


_VQA_EVAL = "vlmeval.dataset.utils.vqa_eval"
_HEAVY = (
    Peer("anls", "lmms-eval anls", "lmms-eval", "lmms_eval.api.metrics:anls", how.lists, (), "raw", ANLS),
    Peer(
        "relaxed_accuracy",
        "lmms-eval relaxed_correctness",
        "lmms-eval",
        "lmms_eval.tasks.chartqa.utils:relaxed_correctness",
        how.answer_first,
        reasons=CHARTQA,
    ),
    *_ocrbench("lmms-eval", "lmms-eval", "lmms_eval.tasks.ocrbench_v2.TEDS_metric"),
    Peer("anls", "evalscope ANLS", "evalscope", "evalscope.metrics.nlp.metrics:ANLS", how.applied, (), "raw", ANLS),
    Peer(
        "relaxed_accuracy",
        "evalscope relaxed_correctness",
        "evalscope",
        "evalscope.benchmarks.chartqa.utils:relaxed_correctness",
        how.answer_first,
        reasons=CHARTQA,
    ),
    *_ocrbench("evalscope", "evalscope", "evalscope.benchmarks.ocr_bench.ocr_bench_v2.TEDS_metric"),
    Peer("anls", "VLMEvalKit anls", "ms-vlmeval", f"{_VQA_EVAL}:hit_calculate", how.vlmevalkit, (), "raw", ANLS),
    Peer(
        "relaxed_accuracy",
        "VLMEvalKit relaxed_correctness",
        "ms-vlmeval",
        f"{_VQA_EVAL}:relaxed_correctness",
        how.highest,
        reasons=CHARTQA,
    ),
    *_ocrbench("VLMEvalKit", "ms-vlmeval", "vlmeval.dataset.utils.Ocrbench_v2.TEDS_metric"),
)
"""Frameworks; `--peers-python` asks them in an environment of their own."""

PEERS = (*_LIGHT, *_HEAVY)
"""Every peer; a line makes another one."""
