"""What CER and WER share: edits over reference length, against the reference that fits best."""

from collections.abc import Iterable, Sequence

from rapidfuzz.distance import Levenshtein

from vlmbench_sdk import Score


def error_rate(answer: Sequence[str], references: Iterable[Sequence[str]]) -> Score:
    """Return the lowest edits / max(1, reference length), with that length as weight.

    The corpus rate is then sum(value * weight) / sum(weight) = edits / reference length. An empty
    reference (an absent field) counts as a reference of length 1, whatever the answer is: text invented
    there adds all its insertions to the corpus rate, an empty answer adds none, and the denominator is
    the same for every model. With length 0 the insertions would be multiplied away or divide by zero.
    On a single pair this equals jiwer 4.0, where cer("", "abc") = 3. Equal rates: the first reference.
    """
    best: tuple[float, int] | None = None
    for reference in references:
        length = max(1, len(reference))
        rate = Levenshtein.distance(answer, reference) / length
        if best is None or rate < best[0]:
            best = (rate, length)
    if best is None:
        return Score(value=None, detail="no reference")
    return Score(value=best[0], weight=best[1])
