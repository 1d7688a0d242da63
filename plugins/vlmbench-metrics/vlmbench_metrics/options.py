"""Options of the metrics that take any; light, so that the host can read them without rapidfuzz."""

from pydantic import Field

from vlmbench_sdk import Options


class ExactMatchOptions(Options):
    """Options of `exact_match`."""

    typed: bool = False
    """After the entry's profile, write dates as ISO 8601 where the answer type is `date`, and amounts
    canonically where it is `money` or `number`; other types are never touched by it."""


class AnlsOptions(Options):
    """Options of `anls`."""

    threshold: float = Field(default=0.5, gt=0, le=1)
    """Normalised distance from which on an answer scores 0; the paper's is 0.5."""


class FieldF1Options(Options):
    """Options of `field_f1`."""

    numbers_by_value: bool = True
    """Compare values that are plain decimal numbers by value: 31.6, "31.60" and 31.600 are equal."""


class JsonValidOptions(Options):
    """Options of `json_valid`."""

    strict: bool = True
    """Accept pure JSON or one Markdown fence only; false also accepts prose around one object."""
    required: tuple[str, ...] = ()
    """Top-level keys that must be present besides the reference's."""
