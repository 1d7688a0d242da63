"""Choice accuracy: is the option that the answer names the right one."""

import re

from vlmbench_metrics.normalizers.text import lookalikes
from vlmbench_metrics.options import ChoiceAccuracyOptions
from vlmbench_sdk import Case, Score, categorize
from vlmbench_sdk.choices import denial
from vlmbench_sdk.entries import Expects
from vlmbench_sdk.parsing import LONGEST, Parsed, parse

_CAPITAL = "A-ZА-ЯЁ"
_ALONE = re.compile(rf"[\W_]*([{_CAPITAL}])[\W_]*", re.IGNORECASE)
_MARKED = re.compile(rf"(?<![\w(\[*])[(\[*]+([{_CAPITAL}])[)\]*]+", re.IGNORECASE)
_LED = re.compile(rf"\s*([{_CAPITAL}])[.):]\s.*", re.IGNORECASE | re.DOTALL)
# Some letters are words of their own, as in "Answer: A dog is shown" and "Ответ: В саду". A common word behind is none
# of the option's, a capital may begin what the option says. What holds for these letters holds for all, or else a model
# would do worse by naming A.
_BEHIND = (
    "because|since|as|for|is|due|given|based|if|so|which|that|with|according"
    "|потому|поскольку|так|ибо|это|верн\\w*|правильн\\w*"
)
_SAID = re.compile(
    r"(?i:\b(?:answer|option|choice|ответ|вариант)\b)\W{0,3}(?i:\b(?:is|это)\b)?\W{0,4}"
    rf"\b([{_CAPITAL}])\b(?![^\S\n]+(?!(?:{_BEHIND})\b)[a-zа-яё])"
)


def score(case: Case, options: ChoiceAccuracyOptions) -> Score:
    """Return 1 when the answer names the option of a reference, else 0.

    Formula: [parse(a) = norm(r)] with the parser that the entry declares, best over references. Source: own; the
    parsers are below. Range 0 or 1, higher is better. For multiple choice.

    `exact`: the whole answer. `choice`: the only one of `choices` that stands in the answer, by words
    (`vlmbench_sdk.parsing`). `letter`: a Latin or Cyrillic letter that is the whole answer or leads it (`A.`), else
    the only one in brackets or asterisks, else the only upper-case one behind "answer", "option", "choice", "ответ" or
    "вариант" and not before a word that it may belong to (`Answer: A dog`). Letters that look alike, such as А and A,
    are the same. Where a parser finds none or several different ones, or a letter beside a denial such as "not", the
    answer is `unparsed` and wrong: guessing would score the guess. An answer that equals a reference is right.
    """
    if not case.answer.strip():
        right = any(not reference.strip() for reference in case.references)
        return Score(value=float(right), category=categorize(case, correct=right))
    if case.normalize(case.answer) in map(case.normalize, case.references):
        return Score(value=1.0, category="correct")
    said = _parse(case.answer, options)
    if said.problem:
        return Score(value=0.0, category="unparsed", detail=said.problem[:300])
    golds = [gold for reference in case.references for gold in (_parse(reference, options).text or reference,)]
    right = case.normalize(said.text) in map(case.normalize, golds)
    if right:
        return Score(value=1.0, category="correct")
    absent = not any(gold.strip() for gold in golds)
    return Score(value=0.0, category="spurious" if absent else "wrong_value", detail=f"read as {said.text}"[:300])


def _parse(answer: str, options: ChoiceAccuracyOptions) -> Parsed:
    if options.parser == "exact":
        return Parsed(answer.strip())
    if options.parser == "choice":
        return parse(answer, Expects(type="choice", choices=options.choices))
    if len(answer) > LONGEST:
        return Parsed(problem=f"the answer has {len(answer)} characters, more than {LONGEST}")
    if alone := _ALONE.fullmatch(answer) or _LED.fullmatch(answer):
        return Parsed(_letter(alone[1]))
    if word := denial(answer):
        return Parsed(problem=f"it says {word!r}")
    for pattern in (_MARKED, _SAID):
        letters = list(dict.fromkeys(map(_letter, pattern.findall(answer))))
        if len(letters) == 1:
            return Parsed(letters[0])
        if letters:
            return Parsed(problem=f"it names {len(letters)} letters, the first two {letters[0]} and {letters[1]}")
    return Parsed(problem="there is no letter of a choice in it")


def _letter(found: str) -> str:
    return lookalikes(found.upper())
