"""What a request is answered with, and what reading and answering cost."""

import json
from pathlib import Path
from typing import cast

from PIL import Image

from vlmbench_ocr.images import open_page
from vlmbench_ocr.page import Line, Page
from vlmbench_ocr.plugin import TesseractOptions
from vlmbench_ocr.reader import PAGES_KEPT, OcrModel
from vlmbench_sdk import Model, ModelSettings, Options, Request
from vlmbench_sdk.asking import ask_all

TEXT = "Blue Door Ltd\n12 Mill Road, Leeds\nDate: 01/02/2020\nTOTAL 12.40"


class Fake(OcrModel[TesseractOptions]):
    """Reads the same page from every whole picture, and counts."""

    def __init__(self) -> None:
        super().__init__(TesseractOptions(), ModelSettings(name="fake"))
        self.read: list[str] = []

    def read_page(self, path: Path) -> Page:
        open_page(path, None)
        self.read.append(path.name)
        rows = TEXT.splitlines()
        return Page(tuple(Line(text, 0, 20.0 * n, 100, 20.0 * n + 15) for n, text in enumerate(rows)))


def picture(folder: Path, name: str) -> str:
    path = folder / name
    Image.new("RGB", (64, 64), "white").save(path)
    return str(path)


def ask(image: str, number: int = 0, **asked: str) -> Request:
    return Request(sample_id=f"s{number}", images=(image,), **asked)


def test_fields_json_and_page_text(tmp_path: Path) -> None:
    image = picture(tmp_path, "a.png")
    model = Fake()
    fields = {name: next(model.answer([ask(image, field=name)])).answer for name in ("company", "total")}
    assert fields == {"company": "Blue Door Ltd", "total": "12.40"}
    assert next(model.answer([ask(image, field="page_text", answer_type="page_text")])).answer == TEXT
    assert next(model.answer([ask(image)])).answer == TEXT
    whole = next(model.answer([ask(image, field="key_fields", answer_type="json")]))
    assert json.loads(whole.answer) == {
        "company": "Blue Door Ltd",
        "date": "01/02/2020",
        "address": "12 Mill Road, Leeds",
        "total": "12.40",
    }
    listed = next(model.answer([ask(image, answer_type="json", prompt="Read number, date, total, colour.")]))
    assert json.loads(listed.answer) == {"number": None, "date": "01/02/2020", "total": "12.40", "colour": None}


def test_a_field_no_rule_knows_is_left_empty(tmp_path: Path) -> None:
    answer = next(Fake().answer([ask(picture(tmp_path, "a.png"), field="surname")]))
    assert (answer.status, answer.answer) == ("empty", "")


def test_a_page_is_read_once_for_all_its_questions_and_its_time_counts_for_each(tmp_path: Path) -> None:
    image = picture(tmp_path, "a.png")
    model = Fake()
    answers = list(model.answer(ask(image, number, field="total") for number in range(5)))
    assert model.read == ["a.png"]
    read = model._pages[image][1] * 1000
    assert all(answer.latency_ms is not None and answer.latency_ms >= read for answer in answers)


def test_only_the_last_pages_are_kept(tmp_path: Path) -> None:
    images = [picture(tmp_path, f"{number}.png") for number in range(PAGES_KEPT + 1)]
    model = Fake()
    list(model.answer(ask(image, number) for number, image in enumerate([*images, images[-1], images[0]])))
    assert model.read == [f"{number}.png" for number in range(PAGES_KEPT + 1)] + ["0.png"]


def test_the_pages_of_a_document_are_read_in_their_order(tmp_path: Path) -> None:
    request = Request(sample_id="s", images=(picture(tmp_path, "1.png"), picture(tmp_path, "2.png")))
    assert next(Fake().answer([request])).answer == f"{TEXT}\n{TEXT}"


def test_a_picture_that_cannot_be_read_costs_its_own_answers_only(tmp_path: Path) -> None:
    good = picture(tmp_path, "good.png")
    cut = tmp_path / "cut.jpg"
    Image.effect_noise((200, 200), 80).save(cut)
    cut.write_bytes(cut.read_bytes()[:-2000])
    other = tmp_path / "other.png"
    other.write_text("not a picture", encoding="utf-8")
    images = [good, str(cut), str(other), str(tmp_path / "missing.png"), good]
    requests = [ask(image, number, field="total") for number, image in enumerate(images)]
    answers = {answer.sample_id: answer for answer in ask_all(cast("Model[Options]", Fake()), requests)}
    assert [answers[f"s{number}"].status for number in range(5)] == ["ok", "error", "error", "error", "ok"]
    for number, name in ((1, "cut.jpg"), (2, "other.png"), (3, "missing.png")):
        assert f"{name}: it cannot be read as a picture" in answers[f"s{number}"].error


def test_pictures_are_scaled_down_only(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (200, 100)).save(path)
    assert open_page(path, 50).size == (50, 25)
    assert open_page(path, 500).size == (200, 100)
    assert open_page(path, None).mode == "RGB"
