"""What BLEU and chrF share around sacrebleu."""

from collections.abc import Iterator
from contextlib import contextmanager

from vlmbench_sdk import Case, PluginError

MOST = 100.0
"""Points of the best answer; of an empty one to an empty reference too, where sacrebleu has no n-grams and says 0."""


def compared(case: Case) -> tuple[str, list[str]] | None:
    """Answer and references in normal form; null where nothing is said and nothing is there."""
    answer, references = case.normalize(case.answer), [case.normalize(each) for each in case.references]
    return None if not answer.strip() and any(not each.strip() for each in references) else (answer, references)


def points(score: float) -> float:
    """A score of sacrebleu, which rounding can put beside its range, from 0 to 100."""
    return min(max(score, 0.0), MOST)


@contextmanager
def sacrebleu_needed() -> Iterator[None]:
    """Say what to do where importing sacrebleu fails.

    Raises:
        PluginError: When it is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise PluginError(
            "sacrebleu is not installed here",
            where="metrics bleu and chrf",
            fix="Give the metric's entry `environment: sacrebleu`, as the shipped ones do, or install sacrebleu",
        ) from error
