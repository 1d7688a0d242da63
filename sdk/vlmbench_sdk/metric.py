"""What a metric is given, and the taxonomy that metrics of right and wrong share."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from vlmbench_sdk.records import Category

Normalize = Callable[[str], str]
"""A normalisation profile: the entry's normalisers, applied in their order."""

NO_GOLD = "no gold"
"""Detail of a null score where the sample has no gold, or none that the metric could use: not counted anywhere."""

_WORDLESS = re.compile(r"[\W_]+")


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
    absent. `wrong_format`: equal to a reference once case, spaces and punctuation are gone.
    """
    if correct:
        return "correct"
    answer = case.normalize(case.answer)
    references = [case.normalize(reference) for reference in case.references]
    if not answer.strip():
        return "missing"
    if not any(reference.strip() for reference in references):
        return "spurious"
    bare = _WORDLESS.sub("", answer.casefold())
    if bare and any(bare == _WORDLESS.sub("", reference.casefold()) for reference in references):
        return "wrong_format"
    return "wrong_value"
