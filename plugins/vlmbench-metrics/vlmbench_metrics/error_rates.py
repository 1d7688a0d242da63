"""What CER and WER share: edits over reference length, against the reference that fits best."""

from collections.abc import Iterable, Sequence

from vlmbench_metrics.edits import edits, edits_many, too_long
from vlmbench_sdk import Score, Scores
from vlmbench_sdk.metric import NO_GOLD


def error_rate(answer: Sequence[str], references: Iterable[Sequence[str]]) -> Score:
    """Return the lowest edits / max(1, reference length), with that length as weight.

    The corpus rate is then sum(value * weight) / sum(weight) = edits / reference length. An empty
    reference (an absent field) counts as a reference of length 1, whatever the answer is: text invented
    there adds all its insertions to the corpus rate, an empty answer adds none, and the denominator is
    the same for every model. With length 0 the insertions would be multiplied away or divide by zero.
    On a single pair this equals jiwer 4.0, where cer("", "abc") = 3. Equal rates: the first reference.
    """
    best: tuple[float, int] | None = None
    unknown: tuple[str, int] | None = None
    for reference in references:
        length = max(1, len(reference))
        distance = edits(answer, reference)
        if distance is None:
            unknown = unknown or (too_long(answer, reference), length)
        elif best is None or distance / length < best[0]:
            best = (distance / length, length)
    if unknown and (best is None or best[0] > 0):
        return Score(value=None, weight=unknown[1], detail=unknown[0])
    if best is None:
        return Score(value=None, detail=NO_GOLD)
    return Score(value=best[0], weight=best[1])


def error_rates(
    answers: Sequence[Sequence[str]], references: Sequence[Sequence[str]], owners: list[int] | None
) -> Scores:
    """`error_rate` of many cases.

    Args:
        answers: The answer of each pair.
        references: The reference of each pair.
        owners: The case of each pair, in order; None where each pair is a case of its own.
    """
    lengths = [len(each) or 1 for each in references]
    distances = edits_many(answers, references)
    if owners is None and None not in distances:
        return Scores(
            [distance / length for distance, length in zip(distances, lengths, strict=True) if distance is not None],
            lengths,
        )
    return _each(answers, references, owners or list(range(len(answers))))


def _each(answers: Sequence[Sequence[str]], references: Sequence[Sequence[str]], owners: list[int]) -> Scores:
    golds: dict[int, list[Sequence[str]]] = {}
    said: dict[int, Sequence[str]] = {}
    for answer, reference, owner in zip(answers, references, owners, strict=True):
        golds.setdefault(owner, []).append(reference)
        said[owner] = answer
    found = [error_rate(said[owner], golds[owner]) for owner in sorted(golds)]
    return Scores([each.value for each in found], [each.weight for each in found], (), [each.detail for each in found])
