"""Pictures and a table of questions as spreadsheets save it: read as meant, or every mistake named."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlmbench_documents.options import QuestionsCsvOptions
from vlmbench_documents.questions_csv import COLUMNS, read
from vlmbench_sdk import DatasetError, ReadJob, Sample

ROWS = [
    {"image": "1.png", "question": "What is the total?", "answer": "12.50"},
    {"image": "1.png", "question": "Какой магазин?", "answer": "Булочная, «Угол»; №1"},
    {"image": "2.jpg", "question": "What is the total?", "answer": ""},
]


def write(folder: Path, rows: list[dict[str, str]], *, separator: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    table.writeheader()
    table.writerows(rows)
    path = folder / "questions.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def samples_of(source: Path, **options: str) -> list[Sample]:
    found = QuestionsCsvOptions.model_validate(options)
    job = ReadJob(dataset="d", options=found, split="test", language="ru", out=source, source=source)
    return list(read(job))


def mistakes_in(folder: Path, table: str) -> str:
    (folder / "questions.csv").write_text(table, encoding="utf-8")
    with pytest.raises(DatasetError) as caught:
        samples_of(folder)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "1.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "images/2.jpg")
    return tmp_path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_whatever_a_spreadsheet_saves_is_read_alike(folder: Path, separator: str, encoding: str) -> None:
    write(folder, ROWS, separator=separator, encoding=encoding)
    first, second, third = samples_of(folder)
    assert (first.sample_id, first.doc_id, first.images) == ("1.png#1", "1.png", ("1.png",))
    assert (first.question, first.field, first.references) == ("What is the total?", "What is the total?", ("12.50",))
    assert (second.sample_id, second.references) == ("1.png#2", (ROWS[1]["answer"],))
    assert (third.images, third.doc_id) == (("images/2.jpg",), "images/2.jpg")
    assert third.references == (), "no gold is not an empty answer"
    assert {(each.language, each.answer_type, each.split) for each in (first, second, third)} == {
        ("ru", "text", "test")
    }


def test_the_other_columns(folder: Path) -> None:
    more = {"field": "total", "doc_type": "receipt", "answer_type": "money", "subset": "blur", "id": "a"}
    path = write(folder, [{**ROWS[0], **more}])
    path.rename(folder / "mine.csv")
    for source, options in ((folder, {"file": "mine.csv"}), (folder / "mine.csv", {})):
        (sample,) = samples_of(source, **options)
        assert (sample.sample_id, sample.field, sample.doc_type) == ("a", "total", "receipt")
        assert (sample.answer_type, sample.subset) == ("money", "blur")


def test_pictures_of_one_document_share_it(folder: Path) -> None:
    rows = [{**row, "document": name} for row, name in zip(ROWS, ("receipt 1", "", "receipt 1"), strict=True)]
    write(folder, rows)
    assert [(each.doc_id, each.sample_id) for each in samples_of(folder)] == [
        ("receipt 1", "1.png#1"),
        ("1.png", "1.png#2"),
        ("receipt 1", "images/2.jpg#1"),
    ]


def test_headings_as_people_write_them_and_blank_rows(folder: Path) -> None:
    (folder / "questions.csv").write_text("Image; Question ;ANSWER\n;;\n1.png; Total? ; 1 \n;;\n\n", encoding="utf-8")
    (sample,) = samples_of(folder)
    assert (sample.question, sample.references) == ("Total?", ("1",))


def test_rows_of_other_images_change_no_name(folder: Path) -> None:
    write(folder, ROWS)
    before = {each.sample_id for each in samples_of(folder)}
    write(folder, [ROWS[2], *ROWS[:2]])
    assert {each.sample_id for each in samples_of(folder)} == before


def test_every_mistake_is_named_by_row_and_column(folder: Path) -> None:
    said = mistakes_in(
        folder,
        "image,question,answer,answer_type,id\n"
        "9.png,Total?,1,,a\n"
        "../1.png,Total?,1,,b\n"
        "/etc/passwd,Total?,1,,c\n"
        ",Total?,1,,d\n"
        "1.png,,1,,e\n"
        "1.png,Total?,1,mony,f\n"
        "1.png,Total?,1,,f\n"
        "scan.PDF,Total?,1,,g\n"
        "1.png,Total?\n",
    )
    for part in (
        "10 mistakes",
        "row 1 (line 2), column 'image': '9.png' does not exist in",
        "row 2 (line 3), column 'image': '../1.png' leaves",
        "row 3 (line 4), column 'image': '/etc/passwd' is an absolute path",
        "row 4 (line 5), column 'image': names no image",
        "row 5 (line 6), column 'question': is empty",
        "row 6 (line 7), column 'answer_type': there is no type 'mony'; did you mean 'money'?",
        "row 7 (line 8), column 'id': 'f' also names row 6 (line 7)",
        "row 8 (line 9), column 'image': is a PDF; make pictures of its pages",
        "row 9 (line 10): 2 cells instead of 5",
        "questions.csv",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("image,question,anwser\n1.png,q,a\n", "there is no column 'anwser'; did you mean 'answer'?"),
        ("image,question\n1.png,q\n", "column 'answer' is missing; found 'image', 'question'"),
        ("image,question,answer,gender\n1.png,q,a,x\n", "there is no column 'gender'; known are answer, answer_type"),
        ("image|question|answer\n1.png|q|a\n", "column 'image' is missing"),
        ("image,question,answer,answer\n1.png,q,a,a\n", "column 'answer' appears more than once"),
        ('image,question,answer\n1.png,"open,a\n', "after row 0: unexpected end of data"),
        ("", "column 'image' is missing; found nothing"),
    ],
)
def test_a_table_of_another_shape(folder: Path, table: str, says: str) -> None:
    assert says in mistakes_in(folder, table)


def test_another_encoding_and_no_table(folder: Path) -> None:
    with pytest.raises(DatasetError, match="no such file") as caught:
        samples_of(folder)
    assert "columns image, question, answer" in str(caught.value)
    (folder / "questions.csv").write_bytes("image;question;answer\n1.png;Сумма?;1\n".encode("cp1251"))
    with pytest.raises(DatasetError, match=r"not UTF-8.*CSV UTF-8"):
        samples_of(folder)


@given(
    st.lists(
        st.fixed_dictionaries(
            {name: st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1)
             for name in ("question", "answer", "field")}
        ).filter(lambda row: row["question"].strip()),
        min_size=1, max_size=4,
    ),
    st.sampled_from([",", ";", "\t"]),
)  # fmt: skip
def test_any_text_comes_back(rows: list[dict[str, str]], separator: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        Image.new("RGB", (4, 4)).save(Path(name, "1.png"))
        write(Path(name), [{"image": "1.png", **row} for row in rows], separator=separator)
        found = samples_of(Path(name))
    assert [each.question for each in found] == [row["question"].strip() for row in rows]
    assert [each.references for each in found] == [
        (row["answer"].strip(),) if row["answer"].strip() else () for row in rows
    ]
    assert set(COLUMNS) > set(rows[0])
