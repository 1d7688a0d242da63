"""Tesseract: its table, its two scripts, its errors, and one drawn receipt read for real."""

import importlib.util
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from vlmbench_ocr.page import Line, Page
from vlmbench_ocr.plugin import TesseractOptions
from vlmbench_ocr.tesseract.backend import Tesseract
from vlmbench_ocr.tesseract.scripts import mend_scripts
from vlmbench_ocr.tesseract.table import parse_table
from vlmbench_sdk import ModelError, ModelSettings, Request

HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def word(line: int, number: int, left: int, top: int, text: str, confidence: float = 90.0, width: int = 40) -> str:
    return f"5\t1\t1\t1\t{line}\t{number}\t{left}\t{top}\t{width}\t20\t{confidence}\t{text}"


def tesseract(options: TesseractOptions) -> Tesseract:
    return Tesseract(options, ModelSettings(name="tesseract"))


def receipt(folder: Path, lines: list[str]) -> str:
    """Draw a receipt with the fonts that matplotlib ships: Pillow's own has no Cyrillic letters."""
    found = importlib.util.find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    font = ImageFont.truetype(str(Path(found.origin).parent / "mpl-data/fonts/ttf/DejaVuSansMono.ttf"), 26)
    picture = Image.new("RGB", (620, 40 * len(lines) + 60), "white")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((30, 30 + 40 * number), line, fill="black", font=font)
    path = folder / "receipt.png"
    picture.save(path)
    return str(path)


def test_words_become_pieces_that_end_at_wide_gaps() -> None:
    table = "\n".join(
        [
            HEADER,
            "4\t1\t1\t1\t1\t0\t0\t0\t400\t20\t-1\t",
            word(1, 1, 0, 0, "SUB"),
            word(1, 2, 48, 0, "TOTAL"),
            word(1, 3, 300, 0, '"12.50'),
            word(2, 1, 0, 30, "~", confidence=3.0),
        ]
    )
    page = parse_table(table, min_confidence=20)
    assert [piece.text for row in page.rows for piece in row.pieces] == ["SUB TOTAL", '"12.50']
    assert parse_table(table).text == 'SUB TOTAL "12.50\n~'


def test_a_tilted_page_is_levelled() -> None:
    tilt = 0.1
    rows = [
        word(row, column, 200 * column, round(40 * row + tilt * 200 * column), f"{row}.{column}")
        for row in (1, 2, 3)
        for column in (1, 2, 3)
    ]
    assert parse_table("\n".join([HEADER, *rows])).text == "1.1 1.2 1.3\n2.1 2.2 2.3\n3.1 3.2 3.3"


@pytest.mark.parametrize("table", ["", HEADER, f"{HEADER}\nbroken\tline"])
def test_a_page_without_words_is_empty(table: str) -> None:
    assert parse_table(table).text == ""


@pytest.mark.parametrize(
    ("read", "mended"),
    [
        ("Shell ISNI РЕТ\u0420O TRADING", "Shell ISNI PETPO TRADING"),
        ("KАССОВЫЙ ЧЕК", "КАССОВЫЙ ЧЕК"),
        ("000 «Ромашка»", "ООО «Ромашка»"),
        ("ИП Сидоров 0. И.", "ИП Сидоров О. И."),
        ("итого 000", "итого 000"),
        ("Чай Lipton 2 шт.", "Чай Lipton 2 шт."),
        ("12.50", "12.50"),
    ],
)
def test_words_are_written_in_one_script(read: str, mended: str) -> None:
    assert mend_scripts(Page((Line(read, 0, 0, 10, 10),))).text == mended


def test_a_missing_program_is_one_sentence_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelError) as caught:
        tesseract(TesseractOptions()).load()
    assert str(caught.value) == (
        "model tesseract: the program `tesseract` is not on PATH. "
        "Install it: apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-rus"
    )


@pytest.mark.engine("tesseract")
def test_missing_language_data_is_named_with_its_package() -> None:
    with pytest.raises(ModelError) as caught:
        tesseract(TesseractOptions(languages="eng+xx_yy")).load()
    assert str(caught.value) == (
        "model tesseract: tesseract has no language data for xx_yy. Install it: apt-get install tesseract-ocr-xx-yy"
    )


@pytest.mark.engine("tesseract")
def test_a_russian_receipt_is_read_and_the_answers_repeat(tmp_path: Path) -> None:
    image = receipt(
        tmp_path,
        [
            "ООО «Лесная поляна»",
            "г. Казань, ул. Садовая, д. 7",
            "ИНН 7712345670",
            "Дата: 12.05.2024 10:15",
            "Хлеб белый          45,00",
            "ИТОГО К ОПЛАТЕ      45,00",
        ],
    )
    model = tesseract(TesseractOptions(languages="rus+eng"))
    model.load()
    fields = ("company", "address", "date", "total")
    requests = [Request(sample_id=field, images=(image,), field=field) for field in fields]
    answers = [answer.answer for answer in model.answer(requests)]
    assert answers == ["ООО «Лесная поляна»", "г. Казань, ул. Садовая, д. 7", "12.05.2024", "45,00"]
    model.close()
    assert [answer.answer for answer in model.answer(requests)] == answers


@pytest.mark.engine("tesseract")
def test_a_blank_page_is_answered_with_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300), "white").save(tmp_path / "blank.png")
    model = tesseract(TesseractOptions(languages="eng", max_side=200))
    model.load()
    request = Request(sample_id="s", images=(str(tmp_path / "blank.png"),), field="total")
    assert next(model.answer([request])).status == "empty"
