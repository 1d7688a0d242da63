"""Numeric tolerance: is the number of the answer near enough."""

from decimal import Decimal

from vlmbench_metrics.options import NumericToleranceOptions
from vlmbench_metrics.tolerance import within
from vlmbench_sdk import Case, Score
from vlmbench_sdk.entries import Expects


def score(case: Case, options: NumericToleranceOptions) -> Score:
    """Return 1 when the answer's number is within the tolerance of a reference's, else 0.

    Formula: [|a - r| <= max(absolute, relative · |r|)] in decimal arithmetic, best over references. Source: own, the
    rule of Python's `math.isclose` with the reference as the measure. Range 0 or 1, higher is better.
    For numbers and amounts. The number is the only one in the text, as `vlmbench_sdk.parsing` reads it ("Total: 1
    234,50 руб." is 1234.50); several different ones are `unparsed`.
    """
    absolute, relative = Decimal(str(options.absolute)), Decimal(str(options.relative))

    def near(said: str, gold: str) -> bool:
        true = Decimal(gold)
        return abs(Decimal(said) - true) <= max(absolute, relative * abs(true))

    return within(case, Expects(type="number", decimal=options.decimal), near)
