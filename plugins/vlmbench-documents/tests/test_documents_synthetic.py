"""The generator: the same seed gives the same files, and what is asked for is what was printed."""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from vlmbench_documents.options import CONDITIONS, DocumentKind, SyntheticOptions
from vlmbench_documents.synthetic.layout import WIDTH, lay_out
from vlmbench_documents.synthetic.reader import read
from vlmbench_documents.synthetic.values import amount, make_document
from vlmbench_sdk import ReadJob, Sample

KINDS = st.sampled_from(get_args(DocumentKind))
LANGUAGES = st.sampled_from(["en", "ru"])
NUMBERS = st.integers(0, 10_000)


def _read(out: Path, options: SyntheticOptions, language: str = "") -> list[Sample]:
    out.mkdir(exist_ok=True)
    return list(read(ReadJob(dataset="d", options=options, split="test", language=language, out=out)))


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image, dtype=np.uint8)


SMALL = SyntheticOptions(documents=3, kinds=("receipt", "invoice", "id_card"), conditions=CONDITIONS)


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    samples = _read(tmp_path / "here", SMALL)
    (tmp_path / "there").mkdir()
    program = (
        "import sys; from pathlib import Path; from vlmbench_sdk import ReadJob\n"
        "from vlmbench_documents.options import SyntheticOptions as O\n"
        "from vlmbench_documents.synthetic.reader import read\n"
        "o = O.model_validate_json(sys.argv[2])\n"
        "for s in read(ReadJob(dataset='d', options=o, split='test', language='', out=Path(sys.argv[1]))):\n"
        "    print(s.model_dump_json())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "there"), SMALL.model_dump_json()]
    there = subprocess.run(command, capture_output=True, check=True, env={"PYTHONHASHSEED": "1"})
    assert _digests(tmp_path / "here") == _digests(tmp_path / "there")
    lines = there.stdout.decode().splitlines()
    assert [Sample.model_validate_json(line) for line in lines] == samples


def test_a_larger_set_begins_with_the_smaller_one(tmp_path: Path) -> None:
    small = _read(tmp_path / "small", SyntheticOptions(documents=2, conditions=("clean", "noise")))
    large = _read(tmp_path / "large", SyntheticOptions(documents=3, conditions=("clean", "noise")))
    assert large[: len(small)] == small
    assert _digests(tmp_path / "small").items() <= _digests(tmp_path / "large").items()


def test_another_seed_or_language_draws_other_documents(tmp_path: Path) -> None:
    one = SyntheticOptions(documents=1, conditions=("clean",))
    others = [one, one.model_copy(update={"seed": 1}), one.model_copy(update={"language": "ru"})]
    references = {
        tuple(sample.references for sample in _read(tmp_path / str(number), options))
        for number, options in enumerate(others)
    }
    assert len(references) == 3


@pytest.mark.parametrize(("documents", "count"), [(0, 0), (1, 28)])
def test_any_size(tmp_path: Path, documents: int, count: int) -> None:
    samples = _read(tmp_path / "out", SyntheticOptions(documents=documents))
    assert len(samples) == len({sample.sample_id for sample in samples}) == count
    assert all((tmp_path / "out" / sample.images[0]).is_file() for sample in samples)


def test_conditions_share_the_document_and_differ_in_pixels(tmp_path: Path) -> None:
    samples = _read(tmp_path / "out", SyntheticOptions(documents=1))
    assert Counter(sample.subset for sample in samples) == dict.fromkeys(CONDITIONS, 4)
    assert {sample.doc_id for sample in samples} == {"receipt-00000"}
    assert len(set(_digests(tmp_path / "out").values())) == len(CONDITIONS)
    pages = {sample.subset: _pixels(tmp_path / "out" / sample.images[0]) for sample in samples}
    sizes = {condition: page.shape for condition, page in pages.items()}
    # A turned page needs a larger picture, so that no corner is cut.
    assert all(sizes[condition] == sizes["clean"] for condition in CONDITIONS if condition != "rotated")
    assert sizes["rotated"] > sizes["clean"]
    assert (pages["gray"][..., 0] == pages["gray"][..., 2]).all()


def test_every_way_of_asking(tmp_path: Path) -> None:
    options = SyntheticOptions(documents=1, conditions=("clean",), ask=("fields", "json", "page_text"))
    *fields, as_json, as_text = _read(tmp_path / "out", options, language="ru")
    assert {sample.field: sample.answer_type for sample in fields} == {
        "company": "text",
        "date": "date",
        "address": "text",
        "total": "money",
    }
    assert json.loads(as_json.references[0]) == {sample.field: sample.references[0] for sample in fields}
    flat = as_text.references[0].replace("\n", " ")
    assert all(sample.references[0] in flat for sample in fields)
    assert {sample.language for sample in (*fields, as_json, as_text)} == {"ru"}
    assert all(re.search("[а-я]", sample.question) for sample in (*fields, as_json, as_text))


def test_width_is_the_pictures_width(tmp_path: Path) -> None:
    (sample, *_) = _read(tmp_path / "out", SyntheticOptions(documents=1, conditions=("clean",), width=800))
    assert _pixels(tmp_path / "out" / sample.images[0]).shape[1] == 800


@given(seed=NUMBERS, number=NUMBERS, kind=KINDS, language=LANGUAGES)
def test_every_value_is_printed_as_it_is_asked_for(seed: int, number: int, kind: str, language: str) -> None:
    document = make_document(seed, number, kind, language)
    lines = lay_out(document, seed)
    printed = " ".join(f"{line.text} {line.right}".strip() for line in lines)
    assert all(value in printed for value in document.fields.values())
    assert all(len(line.text) + len(line.right) <= WIDTH + 8 for line in lines)


@given(seed=NUMBERS, number=NUMBERS, language=LANGUAGES)
def test_items_add_up_to_the_total_and_cash_to_the_change(seed: int, number: int, language: str) -> None:
    document = make_document(seed, number, "receipt", language)
    printed = [line.right for line in lay_out(document, seed) if line.right]
    cents = [round(float(_plain(text)) * 100) for text in printed]
    count = len(document.items)
    assert sum(cents[:count]) == cents[count]
    assert cents[:count] == [item.count * item.price for item in document.items]
    assert _plain(document.fields["total"]) == _plain(printed[count])
    if cents[count + 1 :]:
        cash, change = cents[count + 1 :]
        assert cash - change == cents[count]


def _plain(text: str) -> str:
    """The number in an amount, with a point and no thousands separators."""
    if re.search(r",\d\d\b(?!\d)", text) and "." not in text.rstrip(" руб."):
        text = text.replace(" ", "").replace(",", ".")
    found = re.search(r"\d[\d,]*\.\d\d", text)
    assert found
    return found[0].replace(",", "")


@pytest.mark.parametrize(
    ("cents", "language", "currency", "printed"),
    [
        (123450, "ru", "руб.", "1 234,50 руб."),
        (5, "ru", "", "0,05"),
        (123450, "en", "RM", "RM1,234.50"),
        (99999999, "en", "$", "$999,999.99"),
    ],
)
def test_amounts(cents: int, language: str, currency: str, printed: str) -> None:
    assert amount(cents, language, currency) == printed


@given(seed=NUMBERS, number=NUMBERS)
def test_the_russian_tax_number_has_its_check_digit(seed: int, number: int) -> None:
    digits = [int(digit) for digit in make_document(seed, number, "receipt", "ru").tax_id]
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    assert len(digits) == 10
    assert sum(d * w for d, w in zip(digits, weights, strict=False)) % 11 % 10 == digits[9]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_cards_say_that_they_are_specimens(language: str) -> None:
    printed = [line.text for line in lay_out(make_document(0, 0, "id_card", language), 0)]
    assert ("ОБРАЗЕЦ" if language == "ru" else "SPECIMEN") in printed
