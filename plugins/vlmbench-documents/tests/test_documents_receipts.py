"""SROIE and CORD: folders made here, and the real slices where they are at hand."""

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from vlmbench_documents import cord, sroie
from vlmbench_documents.options import CordOptions, SroieOptions
from vlmbench_documents.reading_order import TextBox, page_text
from vlmbench_sdk import DatasetError, ReadJob, Sample

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
KEY = {"company": "ACME, SDN BHD", "date": "12/02/2018", "address": "NO.5", "total": "9.00"}


def _sroie(source: Path, options: SroieOptions | None = None) -> list[Sample]:
    options = options or SroieOptions()
    return list(sroie.read(ReadJob(dataset="s", options=options, split="test", language="", out=source, source=source)))


def _cord(source: Path, options: CordOptions | None = None) -> list[Sample]:
    options = options or CordOptions()
    return list(cord.read(ReadJob(dataset="c", options=options, split="test", language="", out=source, source=source)))


def _put(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".jpg":
        Image.new("RGB", (4, 4)).save(path)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def _line(category: str, *words: tuple[str, int], group: int = 1, top: int = 0) -> dict[str, object]:
    quad = {"x1": 0, "y1": top, "x2": 9, "y2": top, "x3": 9, "y3": top + 9, "x4": 0, "y4": top + 9}
    return {
        "category": category,
        "group_id": group,
        "words": [{"text": text, "is_key": is_key, "row_id": 1, "quad": quad} for text, is_key in words],
    }


@pytest.fixture
def receipts(tmp_path: Path) -> Path:
    _put(tmp_path / "img" / "001.jpg", None)
    _put(tmp_path / "key" / "001.json", KEY)
    _put(
        tmp_path / "box" / "001.csv",
        "50,0,90,0,90,10,50,10,BHD\n0,1,40,1,40,11,0,11,ACME, SDN\n\n0,30,9,30,9,40,0,40,9.00\n",
    )
    return tmp_path


def test_sroie_asks_each_field(receipts: Path) -> None:
    samples = _sroie(receipts)
    assert {sample.field: sample.references[0] for sample in samples} == KEY
    assert {sample.field: sample.answer_type for sample in samples} == {
        "company": "text",
        "date": "date",
        "address": "text",
        "total": "money",
    }
    assert {sample.doc_id for sample in samples} == {"001"}
    assert samples[0].images == ("img/001.jpg",)


def test_sroie_asks_for_json_and_page_text(receipts: Path) -> None:
    as_json, as_text = _sroie(receipts, SroieOptions(ask=("json", "page_text"), fields=("company", "total")))
    assert (as_json.field, as_json.answer_type) == ("key_fields", "json")
    assert json.loads(as_json.references[0]) == {"company": "ACME, SDN BHD", "total": "9.00"}
    assert as_text.references == ("ACME, SDN BHD\n9.00",)


def test_sroie_absent_fields(receipts: Path) -> None:
    _put(receipts / "key" / "001.json", {**KEY, "address": ""})
    assert [sample.field for sample in _sroie(receipts)] == ["company", "date", "total"]
    asked = {sample.field: sample.references for sample in _sroie(receipts, SroieOptions(absent=True))}
    assert asked["address"] == ("",)


def test_sroie_mistakes_come_together(receipts: Path) -> None:
    _put(receipts / "img" / "002.jpg", None)
    _put(receipts / "key" / "003.json", {"adress": "x", "total": 5})
    _put(receipts / "key" / "001.json", "{")
    _put(receipts / "box" / "001.csv", "1,2,3,TEXT\n")
    with pytest.raises(DatasetError) as caught:
        _sroie(receipts, SroieOptions(ask=("page_text",)))
    message = str(caught.value)
    for part in (
        "img/002.jpg: it has no key/002.json",
        "key/003.json: it has no picture",
        "key 'adress': it is not known; did you mean 'address'?",
        "key 'total': 5 is not text",
        "001.json: line 1: not JSON",
        "box/001.csv, line 1: '1,2,3,TEXT' is not eight numbers and a text",
        "box/002.csv: it does not exist",
    ):
        assert part in message


def test_sroie_needs_its_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no folder 'img'"):
        _sroie(tmp_path)


@pytest.mark.skipif(not (DATA / "sroie").is_dir(), reason="the real SROIE slice is not at hand")
def test_real_sroie() -> None:
    samples = _sroie(DATA / "sroie", SroieOptions(ask=("fields", "json", "page_text")))
    assert Counter(sample.field for sample in samples) == dict.fromkeys(
        ("company", "date", "address", "total", "key_fields", "page_text"), 80
    )
    assert len({sample.sample_id for sample in samples}) == 480
    # The keys were typed from the same pages: most company names stand in the page's text.
    texts = {sample.doc_id: sample.references[0] for sample in samples if sample.field == "page_text"}
    found = [sample.references[0] in texts[sample.doc_id] for sample in samples if sample.field == "company"]
    assert sum(found) > 60


LINES = {
    "valid_line": [
        _line("menu.nm", ("Es", 0), ("Teh", 0), group=2, top=10),
        _line("menu.cnt", ("2x", 0), group=2, top=10),
        _line("menu.price", ("10.000", 0), group=2, top=10),
        _line("menu.nm", ("Nasi", 0), group=1, top=0),
        _line("menu.sub_nm", ("pedas", 0), group=1, top=1),
        _line("total.total_price", ("Rp", 1), group=5),
        _line("total.total_price", ("Total", 1), ("36.000", 0), group=5),
        _line("total.menuqty_cnt", ("3", 0), group=6),
    ]
}


@pytest.mark.parametrize(
    ("image", "label"),
    [("images/cord_0007.jpg", "json/receipt_00007.json"), ("image/receipt_00007.jpg", "json/receipt_00007.json")],
)
def test_cord_pairs_by_stem_or_number(tmp_path: Path, image: str, label: str) -> None:
    _put(tmp_path / image, None)
    _put(tmp_path / label, LINES)
    (sample,) = _cord(tmp_path)
    assert (sample.field, sample.references, sample.answer_type) == ("total", ("36.000",), "money")
    assert sample.images == (image,)
    assert sample.doc_id == Path(image).stem


def test_cord_fields_menu_and_absent(tmp_path: Path) -> None:
    _put(tmp_path / "images" / "1.jpg", None)
    _put(tmp_path / "json" / "1.json", LINES)
    fields = {"total": "total.total_price", "tax": "sub_total.tax_price", "quantity": "total.menuqty_cnt"}
    samples = _cord(tmp_path, CordOptions(ask=("fields", "json"), fields=fields, absent=True))
    assert {sample.field: (sample.answer_type, sample.references) for sample in samples[:3]} == {
        "total": ("money", ("36.000",)),
        "tax": ("money", ("",)),
        "quantity": ("number", ("3",)),
    }
    assert json.loads(samples[3].references[0]) == {
        "menu": [{"nm": "Nasi"}, {"nm": "Es Teh", "cnt": "2x", "price": "10.000"}]
    }


def test_cord_mistakes_come_together(tmp_path: Path) -> None:
    for name in ("a_1", "b_2"):
        _put(tmp_path / "images" / f"{name}.jpg", None)
    _put(tmp_path / "json" / "r_1.json", {"valid_line": [{"category": "x"}]})
    _put(tmp_path / "json" / "r_9.json", LINES)
    with pytest.raises(DatasetError) as caught:
        _cord(tmp_path)
    message = str(caught.value)
    assert "json/r_1.json, key valid_line.0.group_id" in message
    assert "b_2.jpg: it needs one label file of its name or number; found none" in message
    assert "json/r_9.json: it has no picture" in message


@pytest.mark.skipif(not (DATA / "cord").is_dir(), reason="the real CORD slice is not at hand")
def test_real_cord() -> None:
    samples = _cord(DATA / "cord", CordOptions(ask=("fields", "json")))
    fields = Counter(sample.field for sample in samples)
    assert fields == {"total": 35, "subtotal": 27, "tax": 18, "cash": 23, "change": 23, "menu": 36}
    assert all(json.loads(sample.references[0])["menu"] for sample in samples if sample.field == "menu")


def test_reading_order_of_a_crooked_page() -> None:
    boxes = [TextBox(f"{row}{column}", column * 50, row * 20 + column * 3, column * 50 + 40, row * 20 + column * 3 + 14)
             for row in range(3) for column in range(3)]  # fmt: skip
    assert page_text(reversed(boxes)) == "00 01 02\n10 11 12\n20 21 22"
    assert page_text([]) == ""
