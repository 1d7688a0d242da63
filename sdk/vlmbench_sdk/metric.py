"""What a metric is given, and the taxonomy that metrics of right and wrong share."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from vlmbench_sdk.choices import lettered
from vlmbench_sdk.records import Category

Normalize = Callable[[str], str]
"""A normalisation profile: the entry's normalisers, applied in their order."""

NO_GOLD = "no gold"
"""Detail of a null score where the sample has no gold, or none that the metric could use: not counted anywhere."""

NOT_COMPARED = ("too large", "too long", "too many", "timed out")
"""How the detail of a null score begins where an answer is too much to be compared, or took too long: as a failed one,
it counts as the worst where failures do, since running on for ever must not leave the headline."""

UNPARSED_CLASS = "(unparsed)"
"""The class of an answer that names none, or several."""

NormalizeMany = Callable[[Sequence[str]], Sequence[str]]
"""The same over many texts at once."""

_WORD = re.compile(r"[^\W_]+")
_MINUS = r"(?<![^\W_])[-\u2212\u2013](?=[$€£¥₽₸]?[0-9])"
_SIGN = (
    r"[<>≤≥±~]=?(?=\s?[-+\u2212\u2013]?[$€£¥₽₸]?[0-9])|(?<=[0-9])\s?%|(?<=[^\W_])[+#]+(?![^\W_])"
    r"|(?<![^\W_][^\W_])(?<=[^\W\d_])-(?![^\W_])"
)
"""`<5`, `5 %`, `A+`, `C++`, `C#`, and the grade `A-`."""
_KEPT = re.compile(rf"(?P<number>[0-9]+(?:[.,][0-9]+)+)|(?P<minus>{_MINUS})|(?P<sign>{_SIGN})|[^\W_]+")
_MEANT = re.compile(rf"[0-9][.,][0-9]|{_MINUS}|{_SIGN}")
"""Where a text may have more than its letters; others have one `substance` when they have the same `letters`."""
_GROUP = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to score. A scorer is ``def score(case: Case, options: MyOptions) -> Score``.

    Called only for answers whose status carries text, and only where there is gold.
    """

    answer: str
    """The answer as the model wrote it."""
    references: tuple[str, ...]
    """Accepted answers, at least one; an empty string means that the field is absent."""
    answer_type: str
    normalize: Normalize
    """The metric entry's normalisation profile; identity when it has none."""


def categorize(case: Case, *, correct: bool) -> Category:
    """Name the kind of error of a field-level answer.

    `missing`: nothing said though the field is there. `spurious`: something said though the field is
    absent. `wrong_format`: of the same `substance` as a reference.
    """
    if correct:
        return "correct"
    answer = case.normalize(case.answer)
    references = [case.normalize(reference) for reference in case.references]
    if not answer.strip():
        return "missing"
    if not any(reference.strip() for reference in references):
        return "spurious"
    said = substance(answer)
    if said and any(said == substance(reference) for reference in references):
        return "wrong_format"
    return "wrong_value"


def substance(text: str) -> str:
    """A text without case, spaces and punctuation, except what makes it another value.

    Kept are the minus of a number, its decimal mark (as a point), combining marks, and signs as in `<5`, `5 %` and
    `A+`. A mark with three digits after it separates thousands, and one that stands twice, as in dates, separates too:
    these go, and so do marks of a currency.
    """
    if not _MEANT.search(text):
        return letters(text)
    folded = text.casefold()
    return "".join(
        "-" if found["minus"] else _number(found[0]) if found["number"] else folded[slice(*found.span())].strip()
        for found in _KEPT.finditer(lettered(folded))
    )


def _number(text: str) -> str:
    *whole, fraction = re.split("[.,]", text)
    marks = [each for each in text if each in ".,"]
    thousands = len(marks) == 1 and len(fraction) == _GROUP and whole != ["0"]
    return "".join(whole) + ("" if thousands or marks.count(marks[-1]) > 1 else ".") + fraction


def letters(text: str) -> str:
    """A text in lower case with letters, marks and digits only: what has the same `substance` has the same ones."""
    folded = text.casefold()
    return "".join(folded[slice(*found.span())] for found in _WORD.finditer(lettered(folded)))


@dataclass(frozen=True, slots=True)
class Cases:
    """Many `Case`s, column by column. A scorer of many is ``def score_many(cases: Cases, options) -> Scores``."""

    answers: Sequence[str]
    references: Sequence[tuple[str, ...]]
    answer_types: Sequence[str]
    normalize: NormalizeMany
    """The metric entry's normalisation profile, for many texts."""
    letters: NormalizeMany
    """`letters`, for many texts."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Many `Score`s, column by column; a column that is left empty holds the default of `Score` everywhere."""

    values: Sequence[float | None]
    weights: Sequence[float] = ()
    categories: Sequence[Category] = ()
    details: Sequence[str] = ()


def categorize_many(
    answers: Sequence[str],
    references: Sequence[str],
    owners: Sequence[int],
    correct: Sequence[bool],
    same: NormalizeMany,
) -> list[Category]:
    """`categorize` for many answers.

    Args:
        answers: Normalised answers.
        references: Normalised references of all of them, one after the other.
        owners: Whose each reference is, as an index of `answers`.
        correct: Whether each answer is right.
        same: `Cases.letters`, a first look that is quick: only what is equal in these is looked at further.
    """
    found: list[Category] = ["correct"] * len(answers)
    for index, right in enumerate(correct):
        if not right:
            found[index] = "missing" if _blank(answers[index]) else "spurious"
    whose: list[int] = []
    golds: list[str] = []
    for owner, reference in zip(owners, references, strict=True):
        if found[owner] == "spurious" and not _blank(reference):
            whose.append(owner)
            golds.append(reference)
    said = same([answers[owner] for owner in whose])
    for owner, text, gold, reference in zip(whose, said, same(golds), golds, strict=True):
        if text and text == gold and _same_signs(answers[owner], reference):
            found[owner] = "wrong_format"
        elif found[owner] == "spurious":
            found[owner] = "wrong_value"
    return found


def _same_signs(one: str, other: str) -> bool:
    """Whether two texts of the same letters have the same substance."""
    return not (_MEANT.search(one) or _MEANT.search(other)) or substance(one) == substance(other)


def _blank(text: str) -> bool:
    return not text or text.isspace()


def class_detail(gold: str, said: str) -> str:
    """What a metric of classes writes as `Score.detail`, so that the report has its confusion matrix."""
    return json.dumps({"gold": gold, "said": said})


@lru_cache(maxsize=100_000)
def classes_of(detail: str) -> tuple[str, str] | None:
    """The gold class and the one that was named, of a row of scores; None where its detail is something else."""
    if not detail.startswith("{"):
        return None
    try:
        found = json.loads(detail)
    except ValueError:
        return None
    if not isinstance(found, dict) or set(found) != {"gold", "said"}:
        return None
    gold, said = found["gold"], found["said"]
    return (gold, said) if isinstance(gold, str) and isinstance(said, str) else None
