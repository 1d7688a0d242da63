"""Parsers of answers: what they read, that they never raise, and that a normal form is read as itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vlmbench_sdk.entries import Expects
from vlmbench_sdk.json_schema import misfit, schema_mistake
from vlmbench_sdk.parsing import LONGEST, parse

NUMBER, COMMA = Expects(type="number"), Expects(type="number", decimal=",")
MONEY, CURRENCY = Expects(type="money"), Expects(type="money", currency=True)
MONEY_COMMA = Expects(type="money", decimal=",", currency=True)
DATE, US_DATE, YEAR_FIRST = (Expects(type="date", order=order) for order in ("dmy", "mdy", "ymd"))
TIN = Expects(type="choice", choices=("tin", "new tin", "СНИЛС"))
AGE = Expects(type="choice", choices=("<5", ">5", "6"))
GRADES = Expects(type="choice", choices=("A", "A+", "A-", "B"))
LANGUAGES = Expects(type="choice", choices=("C", "C++", "C#"))
SIGNED = Expects(type="choice", choices=("-1", "1", "$5", "€5"))
HINDI = Expects(type="choice", choices=("की", "का"))
THAI = Expects(type="choice", choices=("กิน", "หมา"))
APPROVED = Expects(type="choice", choices=("approved", "rejected"))
JSON = Expects(type="json", json_schema={"type": "object", "required": ["total"], "properties": {"n": {"minimum": 1}}})
ANY = [NUMBER, COMMA, MONEY, CURRENCY, MONEY_COMMA, DATE, US_DATE, YEAR_FIRST, TIN, Expects(type="json"), JSON]
PASSPORT = Expects(type="text", pattern="[0-9]{4} [0-9]{6}")
ANY += [AGE, GRADES, LANGUAGES, SIGNED, Expects(type="text"), PASSPORT]
SOUP = st.text("0123456789.,-–/ \u00a0'()$€₽¥рубкоп.USDmayмая{}[]\":`\n<>=+#%ABCek", max_size=60)


@pytest.mark.parametrize(
    ("answer", "expects", "text"),
    [
        ("1 234,56", NUMBER, "1234.56"),
        ("1\u00a0234\u202f567", NUMBER, "1234567"),
        ("1,234.56", NUMBER, "1234.56"),
        ("1.234,56", NUMBER, "1234.56"),
        ("1'234.50", NUMBER, "1234.5"),
        ("1,234", NUMBER, "1234"),
        ("1.234", NUMBER, "1.234"),
        ("1.234", COMMA, "1234"),
        ("0,125", COMMA, "0.125"),
        ("0.125", COMMA, "0.125"),
        (".5", NUMBER, "0.5"),
        ("It is -.5!", NUMBER, "-0.5"),
        ("$.500", MONEY, "0.50"),
        (",500", NUMBER, "0.5"),
        ("Итого 10 руб. 00 коп.", NUMBER, "10"),
        ("1.500,-", COMMA, "1500"),
        ("1 500,- руб", MONEY_COMMA, "1500.00 RUB"),
        ("1 февр. 2026", DATE, "2026-02-01"),
        ("5 Agustus 2018", DATE, "2018-08-05"),
        ("\u2212007", NUMBER, "-7"),
        ("-0.00", NUMBER, "0"),
        ("The answer is 42.", NUMBER, "42"),
        ("42, so 42.0", NUMBER, "42"),
        ("1 234,56 ₽", CURRENCY, "1234.56 RUB"),
        ("1,234.56 USD", CURRENCY, "1234.56 USD"),
        ("Итого: 1 234 руб. 56 коп.", CURRENCY, "1234.56 RUB"),
        ("RM12.5", CURRENCY, "12.50 MYR"),
        ("-$5", CURRENCY, "-5.00 USD"),
        ("€ 1.234,50", CURRENCY, "1234.50 EUR"),
        ("3 items for 45 USD", MONEY, "45.00"),
        ("12 мая 2024 г.", DATE, "2024-05-12"),
        ("«12» мая 2024 года", DATE, "2024-05-12"),
        ("May 12th, 2024", DATE, "2024-05-12"),
        ("12th of May 2024", DATE, "2024-05-12"),
        ("12-MAY-24", DATE, "2024-05-12"),
        ("12.05.2024 14:33:10", DATE, "2024-05-12"),
        ("2024-05-12T14:33", US_DATE, "2024-05-12"),
        ("05/12/24", DATE, "2024-12-05"),
        ("05/12/24", US_DATE, "2024-05-12"),
        ("05/12/24", YEAR_FIRST, "2005-12-24"),
        ("13/05/2024", US_DATE, "2024-05-13"),
        ("It is a New TIN.", TIN, "new tin"),
        ("снилс", TIN, "СНИЛС"),
        ('Sure:\n```json\n{"total": 1, "b": "я"}\n```', JSON, '{"b":"я","total":1}'),
        ('The answer is {"total": null}!', JSON, '{"total":null}'),
        ("  a b ", Expects(type="text"), "a b"),
        ("Answer: >5", AGE, ">5"),
        ("Answer: < 5.", AGE, "<5"),
        ("Grade: A+.", GRADES, "A+"),
        ("grade a", GRADES, "A"),
        ("А+", GRADES, "A+"),
        ("В.", GRADES, "B"),
        ("В документе A-, с печатью", GRADES, "A-"),
        ("It is A-, I think", GRADES, "A-"),
        ("It is C++.", LANGUAGES, "C++"),
        ("(C#)", LANGUAGES, "C#"),
        ("C, surely", LANGUAGES, "C"),
        ("का!", HINDI, "का"),
        ("राम की", HINDI, "की"),
        ("answer -1", SIGNED, "-1"),
        ("answer: \u22121", SIGNED, "-1"),
        ("$ 5", SIGNED, "$5"),
        ("**new-tin**", TIN, "new tin"),
        ("It is not approved.", Expects(type="choice", choices=("approved", "not approved")), "not approved"),
        ("Total - 12.50", NUMBER, "12.5"),
        ("- 12.50", MONEY, "12.50"),
        ("Total - $12.50", CURRENCY, "12.50 USD"),
        ("Total: -12.50", NUMBER, "-12.5"),
        ("\u20135", NUMBER, "-5"),
        ("-$5", NUMBER, "-5"),
        ("$-5", NUMBER, "-5"),
        ("(45.00)", MONEY, "-45.00"),
        ("$(1,045.00).", CURRENCY, "-1045.00 USD"),
        ("(45.00 USD)", CURRENCY, "-45.00 USD"),
        ("45.00-", NUMBER, "-45"),
        ("12kg", NUMBER, "12"),
        ("A-12: 45", NUMBER, "45"),
        ("45р", CURRENCY, "45.00 RUB"),
        ("Сумма 45.00 к оплате", NUMBER, "45"),
        ("\u00a545", MONEY, "45.00"),
        ("\u00a545 CNY", CURRENCY, "45.00 CNY"),
        ("45 JPY", CURRENCY, "45.00 JPY"),
        ("05 Jan 18 14:20", DATE, "2018-01-05"),
        ("12 May 2024, 10:30", DATE, "2024-05-12"),
        ('{"total": 12.0, "n": 1.0}', JSON, '{"n":1,"total":12}'),
        ('{"total":1}\nSources: [1]', JSON, '{"total":1}'),
        ('I think [page 1] {"total":1}', JSON, '{"total":1}'),
        ('{"total":1}, that is {"total":1.0}', JSON, '{"total":1}'),
        ("[3.0]", Expects(type="json", json_schema={"items": {"type": "integer", "enum": [3]}}), "[3]"),
    ],
)
def test_a_value_is_found(answer: str, expects: Expects, text: str) -> None:
    assert parse(answer, expects).text == text
    assert parse(text, expects).text == text


@pytest.mark.parametrize(
    ("answer", "expects", "problem"),
    [
        ("I cannot read it", NUMBER, "there is no number in it"),
        ("3 of 4", NUMBER, "it has 2 different numbers, the first two 3 and 4"),
        ("45.00", CURRENCY, "it names no currency"),
        ("45 USD or 40 EUR", CURRENCY, "it has 2 different amounts"),
        ("31.02.2024", DATE, "there is no date in it"),
        ("1.5.2024 or 2.5.2024", DATE, "2 different dates"),
        ("tin or снилс", TIN, "2 different choices"),
        ("passport", TIN, "there is no choice in it"),
        ('{"total": ', JSON, "it is not JSON"),
        ('{"total": NaN}', JSON, "it is not JSON"),
        ("[" * 9999 + "]" * 9999, JSON, "it is not JSON"),
        ("{}", JSON, "the answer lacks `total`"),
        ('{"total": 1, "n": 0}', JSON, "the answer.n is out of bounds"),
        ("12 34", PASSPORT, "it does not match"),
        ("It is not approved", APPROVED, "it names approved and says 'not'"),
        ("Документ не подписан", Expects(type="choice", choices=("подписан",)), "says 'не'"),
        ("5", AGE, "there is no choice in it"),
        ("กัน", THAI, "there is no choice in it"),
        ("1.2 million", NUMBER, "'2 million' is no plain number"),
        ("1,2 млн руб.", MONEY_COMMA, "is no plain amount"),
        ("12k", NUMBER, "is no plain number"),
        ("12k or 15", NUMBER, "is no plain number"),
        ("1.5e3", NUMBER, "is no plain number"),
        ("0x1F", NUMBER, "is no plain number"),
        ("A-12", NUMBER, "there is no number in it"),
        ("No.5", NUMBER, "there is no number in it"),
        ("0.125.000", NUMBER, "there is no number in it"),
        ("12A", MONEY, "there is no amount in it"),
        ("Discount (5.00)", MONEY, "'(5.00)' is no plain amount"),
        ("Discount 5.00- today", NUMBER, "is no plain number"),
        ("\u00a545", CURRENCY, "may be yen or yuan"),
        ("12 May, 10:30", DATE, "there is no date in it"),
        ("5 May, 24 hours", DATE, "there is no date in it"),
        ("5 мая, 24 часа", DATE, "there is no date in it"),
        ("12 May 10h30", DATE, "there is no date in it"),
        ('{"total": 1, "total": 2}', JSON, "key 'total' stands twice"),
        ('{"a": {"total": 1}, "a": 2}', JSON, "key 'a' stands twice"),
        ('{"total": 1} or {"total": 2}', JSON, "it has 2 different JSON values"),
        ('{"items": [{"total": 1}', JSON, "it is not JSON"),
        ('{"a": "}", b, {"total": 1}}', JSON, "it is not JSON"),
        ("1" * (LONGEST + 1), NUMBER, "characters, more than"),
    ],
)
def test_what_gives_no_value_says_why(answer: str, expects: Expects, problem: str) -> None:
    found = parse(answer, expects)
    assert found.text == ""
    assert problem in found.problem


@given(st.text() | SOUP, st.sampled_from(ANY))
def test_no_text_makes_a_parser_raise_and_a_normal_form_is_read_as_itself(answer: str, expects: Expects) -> None:
    found = parse(answer, expects)
    assert bool(found.text) != bool(found.problem)
    if found.text:
        assert parse(found.text, expects).text == found.text


@given(
    st.integers(0, 10**12),
    st.integers(0, 99),
    st.sampled_from([(" ", ",", "{} ₽", "RUB"), ("\u00a0", ",", "{} руб.", "RUB"), (",", ".", "{} USD", "USD")]),
)
def test_a_written_amount_is_read_back(whole: int, cents: int, style: tuple[str, str, str, str]) -> None:
    group, mark, shape, currency = style
    written = shape.format(f"{whole:,}".replace(",", group) + f"{mark}{cents:02}")
    assert parse(written, CURRENCY).text == f"{whole}.{cents:02} {currency}"


@given(st.dates())
def test_a_written_date_is_read_back(day: object) -> None:
    iso = str(day)
    year, month, number = iso.split("-")
    assert parse(iso, US_DATE).text == iso
    assert parse(f"{number}.{month}.{year}", DATE).text == iso
    assert parse(f"{month}/{number}/{year}", US_DATE).text == iso


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each), max_leaves=9))
def test_any_json_value_is_read_back(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(parse(text, Expects(type="json")).text) == value


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "choice"},
        {"type": "choice", "choices": ["a", "A "]},
        {"type": "choice", "choices": ["yes!", "yes?"]},
        {"type": "choice", "choices": ["a", ""]},
        {"type": "text", "order": "mdy"},
        {"type": "text", "pattern": "["},
        {"type": "json", "json_schema": {"oneOf": []}},
        {"type": "json", "json_schema": {"type": "thing"}},
        {"type": "json", "json_schema": {"properties": {"a": {"items": 3}}}},
    ],
)
def test_a_contract_that_cannot_be_held_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Expects.model_validate(entry)


def test_a_schema_tells_one_from_true() -> None:
    assert schema_mistake({"enum": [1]}) == ""
    assert misfit(1, {"enum": [1]}) == ""
    assert misfit(bool(1), {"enum": [1]}) == "the answer is none of the allowed values"
    assert "not asked for" in misfit({"a": 1}, {"additionalProperties": False})
    assert "too long" in misfit(["a", "b"], {"maxItems": 1})
    assert misfit(["a", 1], {"items": {"type": "string"}}) == "the answer[1] is not of type string"
