"""Read answers by their output contracts: find the one value that an answer gives, and write it in normal form.

No parser raises, whatever the text holds. A normal form read again is itself. An answer that gives several different
values gives none: guessing which was meant would be scoring the guess.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from vlmbench_sdk.choices import bare, denial, letter_alike
from vlmbench_sdk.dates import find_dates
from vlmbench_sdk.entries import Expects
from vlmbench_sdk.json_answers import RefusedJson, json_values
from vlmbench_sdk.json_schema import misfit, plain
from vlmbench_sdk.numbers import CURRENCY_NAMES, UNSURE, find_amounts, find_numbers, unclear_number

PARSING = "4"
"""Raised whenever the same answer could be read otherwise."""
LONGEST = 10_000
"""Characters of an answer that are looked at; a longer one is no single value, JSON and text apart."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read out of an answer."""

    text: str = ""
    """The value in normal form; empty when there is a problem."""
    problem: str = ""
    """Why there is no value; empty when there is one."""


def parse(answer: str, expects: Expects) -> Parsed:
    """Read an answer by its contract."""
    if len(answer) > LONGEST and expects.type not in {"json", "text"}:
        return Parsed(problem=f"the answer has {len(answer)} characters, more than {LONGEST}")
    return _PARSERS[expects.type](answer.strip(), expects)


def _text(answer: str, expects: Expects) -> Parsed:
    if not answer:
        return Parsed(problem="there is no text in it")
    if expects.pattern and re.fullmatch(expects.pattern, answer) is None:
        return Parsed(problem=f"it does not match {expects.pattern!r}")
    return Parsed(answer)


def _number(answer: str, expects: Expects) -> Parsed:
    if unclear := unclear_number(answer):
        return Parsed(problem=f"{unclear!r} is no plain number")
    return _only(find_numbers(answer, expects.decimal), "number")


def _money(answer: str, expects: Expects) -> Parsed:
    if unclear := unclear_number(answer):
        return Parsed(problem=f"{unclear!r} is no plain amount")
    amounts = find_amounts(answer, expects.decimal)
    # "3 items, 45.00 USD": a number with a currency is the amount, others are something else.
    marked = [each for each in amounts if each.currency] or amounts
    if expects.currency and any(each.currency == UNSURE for each in marked):
        return Parsed(problem=f"{UNSURE} may be yen or yuan")
    found = [f"{each.value} {each.currency}".strip() if expects.currency else each.value for each in marked]
    if expects.currency and marked and not marked[0].currency and len(set(found)) == 1:
        return Parsed(problem=f"it names no currency (known: {', '.join(CURRENCY_NAMES)})")
    return _only(found, "amount")


def _date(answer: str, expects: Expects) -> Parsed:
    return _only(find_dates(answer, expects.order), "date")


def _choice(answer: str, expects: Expects) -> Parsed:
    if answer in expects.choices:
        return Parsed(answer)
    words = bare(answer)
    if same := [each for each in expects.choices if bare(each) == words]:
        return _only(same, "choice")
    if same := [each for each in expects.choices if letter_alike(bare(each)) == letter_alike(words)]:
        return _only(same, "choice")
    # A longer choice first, so that "new tin" is not also "tin".
    found, rest = [], f" {words} "
    for choice in sorted(expects.choices, key=len, reverse=True):
        wanted = f" {bare(choice)} "
        if wanted in rest:
            found.append(choice)
            rest = rest.replace(wanted, " \0 ")
    said = denial(rest)
    if said and len(found) == 1:
        return Parsed(problem=f"it names {found[0]} and says {said!r}")
    return _only(found, "choice")


def _json(answer: str, expects: Expects) -> Parsed:
    problem, found = "it is not JSON", []
    try:
        for each in json_values(answer):
            # 12.0 and 12 are one number of JSON; half of a surrogate pair is JSON and no text.
            value = plain(each)
            normal = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
            normal.encode()
            misfits = misfit(value, expects.json_schema)
            found += [] if misfits else [normal]
            problem = misfits or problem
    except (ValueError, RecursionError) as error:
        return Parsed(problem=f"{problem}: {error}" if isinstance(error, RefusedJson) else problem)
    return _only(found, "JSON value") if found else Parsed(problem=problem)


def _only(found: list[str], what: str) -> Parsed:
    different = list(dict.fromkeys(found))
    if len(different) == 1:
        return Parsed(different[0])
    if not different:
        return Parsed(problem=f"there is no {what} in it")
    return Parsed(problem=f"it has {len(different)} different {what}s, the first two {different[0]} and {different[1]}")


_PARSERS: dict[str, Callable[[str, Expects], Parsed]] = {
    "text": _text,
    "number": _number,
    "money": _money,
    "date": _date,
    "choice": _choice,
    "json": _json,
}
