"""JSON lines: what a line may say, and what each mistake is answered with."""

import json
from pathlib import Path

import pytest
from PIL import Image

from vlmbench_documents.jsonl import read
from vlmbench_documents.options import JsonlOptions
from vlmbench_sdk import DatasetError, ReadJob, Sample

QUESTION = {"role": "user", "content": "Total?"}
ANSWER = {"role": "assistant", "content": "1,50"}


def _job(source: Path, split: str = "test", file: str | None = None) -> ReadJob[JsonlOptions]:
    return ReadJob(dataset="d", options=JsonlOptions(file=file), split=split, language="en", out=source, source=source)


def _read(folder: Path, *lines: object, split: str = "test") -> list[Sample]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "data.jsonl").write_text(text, encoding="utf-8")
    return list(read(_job(folder, split)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_the_smallest_line(folder: Path) -> None:
    (sample,) = _read(folder, {"messages": [QUESTION, ANSWER], "images": ["a.png"]})
    assert (sample.question, sample.references, sample.images, sample.doc_id) == (
        "Total?",
        ("1,50",),
        ("a.png",),
        "a.png",
    )
    assert (sample.language, sample.split, sample.answer_type) == ("en", "test", "text")


def test_every_key(folder: Path) -> None:
    line = {
        "messages": [{"role": "system", "content": "Be short."}, QUESTION, ANSWER],
        "images": ["a.png", "b.png"],
        "id": 7,
        "doc_id": "D",
        "doc_type": "receipt",
        "field": "total",
        "split": "val",
        "subset": "blur",
        "language": "ru",
        "answer_type": "money",
        "references": ["1.50", "1,50"],
        "attributes": {"shop": "x"},
    }
    assert _read(folder, line, split="val") == [
        Sample(
            sample_id="7",
            doc_id="D",
            split="val",
            subset="blur",
            doc_type="receipt",
            field="total",
            question="Be short.\n\nTotal?",
            references=("1,50", "1.50"),
            answer_type="money",
            images=("a.png", "b.png"),
            language="ru",
            attributes={"shop": "x"},
        )
    ]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "image", "image": "a.png"}, {"type": "text", "text": "Total?"}],
        [{"type": "image_url", "image_url": {"url": "a.png"}}, {"type": "text", "text": "Total?"}],
        [{"type": "image_url", "image_url": "a.png"}, {"type": "text", "text": "Total?"}],
    ],
)
def test_messages_may_name_their_images(folder: Path, content: object) -> None:
    (sample,) = _read(folder, {"messages": [{"role": "user", "content": content}]})
    assert sample.images == ("a.png",)
    assert sample.question == "Total?"
    assert sample.references == ()


def test_placeholders_stand_for_the_images_of_the_line(folder: Path) -> None:
    by_part = [{"type": "image"}, {"type": "text", "text": "Total?"}]
    samples = _read(
        folder,
        {"messages": [{"role": "user", "content": by_part}], "images": "a.png"},
        {"messages": [{"role": "user", "content": "<image><image>\nTotal?"}], "images": ["a.png", "b.png"]},
    )
    assert [sample.question for sample in samples] == ["Total?", "Total?"]


def test_ids_do_not_depend_on_the_place_of_the_line(folder: Path) -> None:
    one = {"messages": [QUESTION], "images": ["a.png"]}
    two = {"messages": [QUESTION], "images": ["b.png"]}
    first = {sample.sample_id for sample in _read(folder, one, two)}
    assert first == {sample.sample_id for sample in _read(folder, two, one)}
    assert len(first) == 2


def test_splits(folder: Path) -> None:
    lines = [
        {"messages": [QUESTION], "images": ["a.png"], "id": str(n), **({"split": s} if s else {})}
        for n, s in enumerate(["test", "val", ""])
    ]
    assert [s.sample_id for s in _read(folder, *lines)] == ["0", "2"]
    assert [s.sample_id for s in _read(folder, *lines, split="all")] == ["0", "1", "2"]


def test_blank_lines_bom_and_separators_of_unicode(folder: Path) -> None:
    line = {"messages": [{"role": "user", "content": "a\u2028b"}], "images": ["a.png"]}
    (folder / "data.jsonl").write_bytes(b"\xef\xbb\xbf\n" + json.dumps(line, ensure_ascii=False).encode() + b"\r\n\n")
    (sample,) = read(_job(folder))
    assert sample.question == "a\u2028b"


def test_a_file_without_lines(folder: Path) -> None:
    assert _read(folder, "") == []


GOOD: dict[str, object] = {"messages": [QUESTION], "images": ["a.png"]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({**GOOD, "subest": "blur"}, "line 1, key 'subest': it is not known; did you mean 'subset'?"),
        ({"images": ["a.png"]}, "line 1, key 'messages': field required"),
        ({**GOOD, "messages": [{"role": "user", "text": "x"}]}, "key 'messages.0.text': it is not known"),
        ({**GOOD, "messages": [{"role": "usr", "content": "x"}]}, "key 'messages.0.role': input should be"),
        ({**GOOD, "messages": [{"role": "user", "content": 5}]}, "key 'messages.0.content'"),
        ({**GOOD, "messages": [ANSWER]}, "line 1: a sample is one question, but messages has 0 of role user"),
        ({**GOOD, "messages": [QUESTION, ANSWER, QUESTION]}, "messages has 2 of role user"),
        ({**GOOD, "answer_type": "moneys"}, "key 'answer_type'"),
        ({"messages": [QUESTION]}, "line 1: it has no image"),
        ({**GOOD, "images": ["c.png"]}, "'c.png' does not exist"),
        ({**GOOD, "images": ["../a.png"]}, "'../a.png' leaves"),
        ({**GOOD, "images": ["/a.png"]}, "'/a.png' is an absolute path"),
        ({**GOOD, "images": ["C:\\a.png"]}, "is an absolute path"),
        ({**GOOD, "images": ["x\\a.png"]}, "folders are separated by '/'"),
        ({**GOOD, "images": ["https://example.org/a.png"]}, "is not a file in the dataset's folder"),
        ({**GOOD, "messages": [{"role": "user", "content": "<image><image>x"}]}, "2 image placeholders"),
        (
            {**GOOD, "messages": [{"role": "user", "content": [{"type": "image", "image": "b.png"}]}]},
            "messages name ['b.png'], but images is ['a.png']",
        ),
        ("{", "line 1: not JSON"),
        ("[]", "line 1: not a JSON object, but list"),
        ('{"id": "1", "id": "2"}', "key 'id' appears twice"),
    ],
)
def test_mistakes_are_named(folder: Path, line: object, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        _read(folder, line)
    assert message in str(caught.value)


def test_all_mistakes_come_together_and_duplicates_name_both_lines(folder: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        _read(folder, {**GOOD, "id": "x"}, "{", {**GOOD, "id": "x"}, GOOD, GOOD)
    message = str(caught.value)
    assert "3 mistakes" in message
    assert "line 3: it has the id 'x' of line 1" in message
    assert "line 5: it has the same question as line 4" in message


def test_which_file_of_a_folder(folder: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        list(read(_job(folder)))
    for name in ("one", "two"):
        (folder / f"{name}.jsonl").write_text(json.dumps({**GOOD, "id": name}))
    with pytest.raises(DatasetError, match=r"found one\.jsonl, two\.jsonl"):
        list(read(_job(folder)))
    assert [sample.sample_id for sample in read(_job(folder, file="two.jsonl"))] == ["two"]
    assert [sample.sample_id for sample in read(_job(folder / "one.jsonl"))] == ["one"]
