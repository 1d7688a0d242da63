"""An answer counts only when the model saw the image whose digest stands in its lineage."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from vlmbench_sdk import Answer, Example, Model, ModelSettings, NoOptions, Request
from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.watching import ImageWatch


def request(path: Path, name: str = "a", content: bytes = b"page") -> Request:
    return Request(sample_id=name, images=(str(path),), image_sha256=(hashlib.sha256(content).hexdigest(),))


def test_an_image_that_is_not_the_one_that_was_read(tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    page.write_bytes(b"page")
    watch = ImageWatch()
    assert watch.problem(request(page)) == ""
    assert watch.changed(request(page)) == ""
    page.write_bytes(b"edit")
    assert "changed while the model was asked" in watch.changed(request(page))
    assert "is not the one that the dataset was read with" in watch.problem(request(page))
    page.write_bytes(b"page")
    assert "changed while" in watch.changed(request(page)), "also when it was changed back"
    page.unlink()
    assert watch.problem(request(page)).startswith("image page.png cannot be read")


def test_images_of_examples_are_watched_too(tmp_path: Path) -> None:
    page, shown = tmp_path / "page.png", tmp_path / "shown.png"
    page.write_bytes(b"page")
    shown.write_bytes(b"shown")
    digest = hashlib.sha256(b"shown").hexdigest()
    example = Example(images=(str(shown),), image_sha256=(digest,), user="What?", assistant="This")
    asked, watch = request(page).model_copy(update={"examples": (example,)}), ImageWatch()
    assert watch.problem(asked) == watch.changed(asked) == ""
    shown.write_bytes(b"edit!")
    assert "image shown.png changed while the model was asked" in watch.changed(asked)
    assert "image shown.png is not the one" in watch.problem(asked)


def test_such_a_request_is_not_asked_and_the_others_are(tmp_path: Path) -> None:
    class Seen(Model[NoOptions]):
        asked: ClassVar[list[str]] = []

        def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
            for each in requests:
                self.asked.append(each.sample_id)
                yield Answer(sample_id=each.sample_id, answer="said")

    page = tmp_path / "page.png"
    page.write_bytes(b"page")
    requests = [request(page, "a"), request(page, "b", b"other"), request(page, "c"), request(page, "d", b"other")]
    model = Seen(NoOptions(), ModelSettings(name="seen"))
    found = {answer.sample_id: answer for answer in ask_all(model, requests, check=ImageWatch().problem)}
    assert model.asked == ["a", "c"]
    assert {name: answer.status for name, answer in found.items()} == {"a": "ok", "b": "error", "c": "ok", "d": "error"}
