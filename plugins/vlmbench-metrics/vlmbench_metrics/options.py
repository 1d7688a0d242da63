"""Options of the metrics that take any; light, so that the host can read them without rapidfuzz."""

from typing import Literal

from pydantic import Field, model_validator

from vlmbench_sdk import Options


class ExactMatchOptions(Options):
    """Options of `exact_match`."""

    typed: bool = False
    """After the entry's profile, write dates as ISO 8601 where the answer type is `date`, and amounts
    canonically where it is `money` or `number`; other types are never touched by it. One mark with three digits behind
    it, as in 1.250, separates thousands in `money`; in `number` a comma does, a point does not."""


class AnlsOptions(Options):
    """Options of `anls`, `anls_compat` and `anls_star`."""

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


class RougeOptions(Options):
    """Options of `rouge` and `rouge_compat`."""

    kind: Literal["1", "2", "l"] = "l"
    """`1` and `2`: runs of so many words; `l`: the longest common subsequence."""


class ToleranceOptions(Options):
    """Options of `relaxed_accuracy_compat`."""

    tolerance: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    """Share of the gold number that an answer may be off; ChartQA's is 0.05."""


class RelaxedAccuracyOptions(ToleranceOptions):
    """Options of `relaxed_accuracy`."""

    decimal: Literal[".", ","] = "."
    """The decimal mark where one mark with three digits after it could be either: 1,234 is 1234 with `.`."""


class NumericToleranceOptions(Options):
    """Options of `numeric_tolerance`."""

    relative: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Share of the gold number that an answer may be off."""
    absolute: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """How far an answer may be off whatever the gold number is; the larger of the two holds."""
    decimal: Literal[".", ","] = "."
    """The decimal mark where one mark with three digits after it could be either."""


class DateToleranceOptions(Options):
    """Options of `date_tolerance`."""

    days: int = Field(default=0, ge=0)
    """How many days an answer may be off."""
    order: Literal["dmy", "mdy", "ymd"] = "dmy"
    """The order of day, month and year where digits alone do not tell."""


class ChoiceAccuracyOptions(Options):
    """Options of `choice_accuracy`."""

    parser: Literal["exact", "choice", "letter"] = "exact"
    """How the choice is read out of an answer."""
    choices: tuple[str, ...] = ()
    """What may be answered; for `parser: choice`, and needed there."""

    @model_validator(mode="after")
    def _whole(self) -> "ChoiceAccuracyOptions":
        if (self.parser == "choice") != bool(self.choices):
            message = "`choices` is for `parser: choice`, and needed there"
            raise ValueError(message)
        return self


class BleuOptions(Options):
    """Options of `bleu`."""

    tokenize: Literal["13a", "intl", "char", "none"] = "13a"
    """sacrebleu's tokeniser; `13a` is the one of WMT, `intl` splits Unicode punctuation."""


class ChrfOptions(Options):
    """Options of `chrf`."""

    word_order: int = Field(default=0, ge=0, le=6)
    """Longest run of words that is counted too; 2 makes it chrF++."""
