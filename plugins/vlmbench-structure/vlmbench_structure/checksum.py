"""A rule without gold: does a number fulfil its own checksum."""

import re
from dataclasses import dataclass

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_answer
from vlmbench_structure.json_paths import text_at
from vlmbench_structure.options import ChecksumOptions

LONGEST = 100
"""Characters of an answer that may be a number; what is longer is none."""
_INN = ((2, 4, 10, 3, 5, 9, 4, 6, 8), (7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
"""Weights: of a company's number, and of the first and the second check digit of a person's."""
_SNILS_FROM = 1_001_998
"""Numbers up to 001-001-998 have no check digits."""
_IBANS = {
    15: ("NO",),
    16: ("BE",),
    18: ("DK", "FI", "FK", "FO", "GL", "NL", "SD"),
    19: ("MK", "SI"),
    20: ("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"),
    21: ("CH", "HR", "LI", "LV"),
    22: ("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"),
    23: ("AE", "GI", "IL", "IQ", "OM", "SO", "TL"),
    24: ("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"),
    25: ("LY", "PT", "ST"),
    26: ("IS", "TR"),
    27: ("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"),
    28: ("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"),
    29: ("BR", "EG", "PS", "QA", "UA"),
    30: ("JO", "KW", "MU", "YE"),
    31: ("MT", "SC"),
    32: ("LC",),
    33: ("RU",),
}
"""Countries by the characters of their numbers (SWIFT IBAN registry, as python-stdnum 2.2 has it)."""
_IBAN_LENGTHS = {country: length for length, countries in _IBANS.items() for country in countries}
_SHAPES = {
    "inn": re.compile(r"[0-9]{10}|[0-9]{12}"),
    "snils": re.compile(r"[0-9]{11}"),
    "iban": re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}"),
}
_AMONG_WORDS = {
    "inn": re.compile(r"(?<![^\W_])(?:[0-9]{10}|[0-9]{12})(?![^\W_])"),
    "snils": re.compile(r"(?<![^\W_])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{2}(?![^\W_])"),
}
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{2,}(?![^\W_])")


@dataclass(frozen=True, slots=True)
class _Verdict:
    holds: bool | None
    """Null where the number has nothing to check."""
    says: str = ""


def score(case: Case, options: ChecksumOptions) -> Score:
    """Return 1 when the answer's number fulfils its checksum, else 0. Needs no gold.

    Formulas: ИНН, 10 digits: sum(w d) mod 11 mod 10 is the last digit, 12 digits: the same for each of the last two,
    weights in `_INN` (as `stdnum.ru.inn` of python-stdnum 2.2). СНИЛС, 11 digits: the sum of the first nine by
    weights 9 to 1, mod 101, where 100 is 00, is the last two (rules of the Pension Fund of Russia). IBAN: first four
    characters moved to the end, A = 10 to Z = 35, mod 97 is 1, and the country's length (ISO 13616-1, ISO 7064).
    Range 0 or 1, higher is better. A wrong length is 0: digits were lost or invented. Degenerate numbers, whose
    digits are all the same, are 0 though some fulfil the formula, such as an ИНН of zeros. Among words and other
    numbers, the only one of the right length is checked. Null where there is nothing to check: no digits, none or
    several such numbers among words, or an early СНИЛС (up to 001-001-998), which has no check digits.
    """
    text = case.answer
    if options.path:
        found = read_json_answer(case.answer).value
        if found is None:
            return Score(value=None, detail="no JSON object to check")
        text = text_at(found, options.path)
    text = text.strip()
    if len(text) > LONGEST or not re.search(r"[0-9]", text):
        return Score(value=None, detail="no number to check")
    number = _number(text, options.kind)
    if not number:
        return Score(value=None, detail="no number, or several, among words")
    verdict = {"inn": _inn, "snils": _snils, "iban": _iban}[options.kind](number)
    return Score(value=None if verdict.holds is None else float(verdict.holds), detail=verdict.says)


def _number(text: str, kind: str) -> str:
    """The one number of a text, without what divides it; empty where words leave it open which it is."""
    plain = re.sub(r"\A(?:ИНН|INN|СНИЛС|SNILS|IBAN)(?![^\W\d_])[\s:№]*", "", text, flags=re.IGNORECASE).upper()
    whole = _divided(plain)
    shaped = _SHAPES[kind].fullmatch(whole)
    if shaped and (kind != "iban" or len(whole) == _IBAN_LENGTHS.get(whole[:2])):
        return whole
    found = {_divided(each) for each in _candidates(text.upper(), kind)}
    if found or (_WORD.search(plain) and not shaped):
        return found.pop() if len(found) == 1 else ""
    return whole


def _divided(text: str) -> str:
    return re.sub(r"[\s.\-–—/]", "", text)


def _candidates(text: str, kind: str) -> list[str]:
    """What in a text has the length of such a number."""
    if kind != "iban":
        return _AMONG_WORDS[kind].findall(text)
    starts = (each for each in re.finditer(r"(?<![^\W_])[A-Z]{2}(?=[0-9]{2})", text) if each[0] in _IBAN_LENGTHS)
    found = (
        re.compile(rf"(?:[ -]?[A-Z0-9]){{{_IBAN_LENGTHS[each[0]]}}}(?![^\W_])").match(text, each.start())
        for each in starts
    )
    return [each[0] for each in found if each]


def _inn(digits: str) -> _Verdict:
    if not re.fullmatch(r"[0-9]{10}|[0-9]{12}", digits):
        return _Verdict(holds=False, says="not 10 or 12 digits")
    if len(set(digits)) == 1:
        return _Verdict(holds=False, says="all digits are the same")
    weights = _INN[:1] if len(digits) == 10 else _INN[1:]
    return _Verdict(all(_weighed(digits, each) % 11 % 10 == int(digits[len(each)]) for each in weights))


def _weighed(digits: str, weights: tuple[int, ...]) -> int:
    return sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=False))


def _snils(digits: str) -> _Verdict:
    if not re.fullmatch(r"[0-9]{11}", digits):
        return _Verdict(holds=False, says="not 11 digits")
    if len(set(digits[:9])) == 1:
        return _Verdict(holds=False, says="all digits are the same")
    if int(digits[:9]) <= _SNILS_FROM:
        return _Verdict(None, "numbers up to 001-001-998 have no check digits")
    return _Verdict(_weighed(digits, tuple(range(9, 0, -1))) % 101 % 100 == int(digits[9:]))


def _iban(number: str) -> _Verdict:
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number):
        return _Verdict(holds=False, says="not written like an IBAN")
    length = _IBAN_LENGTHS.get(number[:2])
    if length is None:
        return _Verdict(holds=False, says=f"no country {number[:2]} has IBANs")
    if len(number) != length:
        return _Verdict(holds=False, says=f"{len(number)} characters, {number[:2]} has {length}")
    if len(set(number[4:])) == 1:
        return _Verdict(holds=False, says="all digits are the same")
    return _Verdict(int("".join(str(int(each, 36)) for each in number[4:] + number[:4])) % 97 == 1)
