"""BLEU: n-gram precision with a brevity penalty, by sacrebleu."""

import json
import math
from collections.abc import Sequence

from vlmbench_metrics.options import BleuOptions
from vlmbench_metrics.sacre import MOST, compared, points, sacrebleu_needed
from vlmbench_sdk import Case, Score

ORDER = 4


def score(case: Case, options: BleuOptions) -> Score:
    """Return sacrebleu's sentence BLEU with effective order; the aggregate is its corpus BLEU.

    Formula: BP · exp(Σ_n (1/N) log p_n), N = 4, BP = exp(1 - r/c) for c < r, in points: 0 to 100, higher is better.
    A sentence's precisions are smoothed (`exp`, Chen and Cherry 2014) and stop at the longest n it has. Source:
    Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002; Post, "A Call for
    Clarity in Reporting BLEU Scores", WMT 2018. For pages and long texts.

    `detail` holds the counts that the corpus value is made from: lengths of answer and reference, matches and n-grams
    of each order. An empty answer to an empty reference has no n-grams: 100. sacrebleu says 0 there.
    """
    asked = compared(case)
    if asked is None:
        return Score(value=MOST)
    with sacrebleu_needed():
        from sacrebleu.metrics.bleu import BLEU
    found = BLEU(tokenize=options.tokenize, effective_order=True).sentence_score(*asked)
    counts = [found.sys_len, found.ref_len, *found.counts, *found.totals]
    return Score(value=points(found.score), detail=json.dumps(counts, separators=(",", ":")))


def combine(scores: Sequence[Score], options: BleuOptions) -> float | None:  # noqa: ARG001 - every one has this signature
    """Return corpus BLEU from the counts of samples; None where nothing was counted.

    As sacrebleu's corpus score with `exp` smoothing: an order without matches counts half, a quarter, … of one.
    """
    rows = [json.loads(each.detail) for each in scores if each.value is not None and each.detail.startswith("[")]
    if not rows:
        values = [each.value for each in scores if each.value is not None]
        return sum(values) / len(values) if values else None
    said, gold, *counted = (sum(column) for column in zip(*rows, strict=True))
    if not said:
        return 0.0
    logs, smooth = 0.0, 1.0
    for right, total in zip(counted[:ORDER], counted[ORDER:], strict=True):
        if not total or not any(counted[:ORDER]):
            return 0.0
        if not right:
            smooth *= 2
        logs += math.log(right / total if right else 1 / (smooth * total))
    brevity = math.exp(1 - gold / said) if said < gold else 1.0
    return min(MOST, MOST * brevity * math.exp(logs / ORDER))
