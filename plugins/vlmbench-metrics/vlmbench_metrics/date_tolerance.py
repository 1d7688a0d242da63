"""Date tolerance: is the date of the answer near enough."""

from datetime import date

from vlmbench_metrics.options import DateToleranceOptions
from vlmbench_metrics.tolerance import within
from vlmbench_sdk import Case, Score
from vlmbench_sdk.entries import Expects


def score(case: Case, options: DateToleranceOptions) -> Score:
    """Return 1 when the answer's date is within so many days of a reference's, else 0.

    Formula: [|days(a) - days(r)| <= days], best over references. Source: own. Range 0 or 1, higher is better.
    For dates. The date is the only one in the text, as `vlmbench_sdk.parsing` reads it ("от 21 мая 2018 г." is
    2018-05-21); several different ones are `unparsed`.
    """

    def near(said: str, gold: str) -> bool:
        return abs((date.fromisoformat(said) - date.fromisoformat(gold)).days) <= options.days

    return within(case, Expects(type="date", order=options.order), near)
