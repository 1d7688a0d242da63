"""The original project's annotation.csv: every cell survives, every mistake is named, none is read in part."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlmbench_documents.annotation_csv import COLUMNS, read
from vlmbench_documents.options import AnnotationCsvOptions
from vlmbench_sdk import DatasetError, ReadJob, Sample

ROW = {
    "data_index": "1",
    "split": "test",
    "image_path": "images/1.png",
    "question": "Напиши Фамилия",
    "answer": "Карбаинов",
    "doc_class": "passport",
    "question_type": "Фамилия",
    "answer_bbox": "[780, 110, 1060, 170]",
}


def _write(folder: Path, rows: list[dict[str, str]], *, encoding: str = "utf-8-sig", separator: str = ";") -> Path:
    text = io.StringIO()
    columns = list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)]))
    table = csv.DictWriter(text, columns, delimiter=separator, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    path = folder / "annotation.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def _read(source: Path, options: AnnotationCsvOptions | None = None, split: str = "test") -> list[Sample]:
    job = ReadJob(
        dataset="d",
        options=options or AnnotationCsvOptions(),
        split=split,
        language="ru",
        out=source,
        source=source,
    )
    return list(read(job))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("1", "2"):
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / f"{name}.png")
    return tmp_path


def test_a_row_becomes_a_sample(folder: Path) -> None:
    _write(folder, [{**ROW, "scanner": "flatbed"}])
    assert _read(folder) == [
        Sample(
            sample_id="1",
            doc_id="images/1.png",
            split="test",
            doc_type="passport",
            field="Фамилия",
            question="Напиши Фамилия",
            references=("Карбаинов",),
            images=("images/1.png",),
            language="ru",
            attributes={"data_index": "1", "answer_bbox": "[780, 110, 1060, 170]", "scanner": "flatbed"},
        )
    ]


@pytest.mark.parametrize("answer", ["0044", "NA", "None", "nan", "", "1e5", "True", " с пробелами "])
def test_an_answer_stays_text(folder: Path, answer: str) -> None:
    _write(folder, [{**ROW, "answer": answer}])
    assert _read(folder)[0].references == (answer,)


@given(
    answer=st.text(
        st.characters(codec="utf-8", exclude_characters="\r\0") | st.sampled_from(list('";,\n«ё')), max_size=80
    )
)
def test_quoted_cells_survive(answer: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.new("RGB", (4, 4)).save(folder / "1.png")
        _write(folder, [{**ROW, "image_path": "1.png", "answer": answer}])
        assert _read(folder)[0].references == (answer,)


def test_a_cell_may_be_longer_than_the_csv_modules_limit(folder: Path) -> None:
    before = csv.field_size_limit()
    _write(folder, [{**ROW, "answer": "ё" * 200_000}])
    assert len(_read(folder)[0].references[0]) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_changes_nothing(folder: Path, encoding: str) -> None:
    _write(folder, [ROW], encoding=encoding)
    assert _read(folder)[0].sample_id == "1"


def test_a_table_without_rows_is_a_dataset_without_samples(folder: Path) -> None:
    _write(folder, [])
    assert _read(folder) == []


def test_images_are_also_looked_for_in_the_images_folder(folder: Path) -> None:
    path = _write(folder, [{**ROW, "image_path": "2.png"}])
    assert _read(path)[0].images == ("images/2.png",)


def test_repeated_data_index_is_told_apart_by_question_type(folder: Path) -> None:
    _write(folder, [ROW, {**ROW, "question_type": "Имя"}])
    samples = _read(folder)
    assert [sample.sample_id for sample in samples] == ["1:Фамилия", "1:Имя"]
    assert len({sample.doc_id for sample in samples}) == 1


def test_duplicate_samples_are_named_by_row(folder: Path) -> None:
    _write(folder, [ROW, {**ROW, "data_index": "2"}, ROW])
    with pytest.raises(DatasetError, match=r"rows 1, 3, column 'data_index' and 'question_type'.*'1:Фамилия'"):
        _read(folder)


def test_other_columns_can_name_samples(folder: Path) -> None:
    _write(folder, [{**ROW, "key": "a"}, {**ROW, "key": "b"}])
    assert [s.sample_id for s in _read(folder, AnnotationCsvOptions(id_columns=("key",)))] == ["a", "b"]
    with pytest.raises(DatasetError, match="did you mean 'key'"):
        _read(folder, AnnotationCsvOptions(id_columns=("keys",)))


def test_splits(folder: Path) -> None:
    _write(folder, [ROW, {**ROW, "data_index": "2", "split": "blur"}])
    assert [s.sample_id for s in _read(folder)] == ["1"]
    assert [s.split for s in _read(folder, split="all")] == ["test", "blur"]
    with pytest.raises(DatasetError, match="no row has split 'val'; found 'blur', 'test'"):
        _read(folder, split="val")


def test_answer_types_and_separator(folder: Path) -> None:
    _write(folder, [ROW], separator=",")
    options = AnnotationCsvOptions(separator=",", answer_types={"Фамилия": "choice"})
    assert _read(folder, options)[0].answer_type == "choice"


def test_all_mistakes_of_a_file_come_together(folder: Path) -> None:
    path = _write(
        folder,
        [
            {**ROW, "answer": "строка\nи ещё"},
            {**ROW, "data_index": "2", "image_path": "images/9.png"},
            {**ROW, "data_index": "3", "image_path": "../secret.png"},
            {**ROW, "data_index": "4", "image_path": "/etc/passwd"},
            {**ROW, "data_index": "5", "image_path": ""},
        ],
    )
    with path.open("a") as file:
        file.write("6;test;images/1.png\n")
    with pytest.raises(DatasetError) as caught:
        _read(folder)
    message = str(caught.value)
    assert "5 mistakes" in message
    assert "row 2 (line 4), column 'image_path': 'images/9.png' does not exist" in message
    assert "row 3 (line 5), column 'image_path': '../secret.png' leaves" in message
    assert "row 4 (line 6), column 'image_path': '/etc/passwd' is an absolute path" in message
    assert "row 5 (line 7), column 'image_path': names no image" in message
    assert "row 6 (line 8): 3 cells instead of 8, the last one is 'images/1.png'" in message


def test_a_long_list_of_mistakes_is_cut_and_counted(folder: Path) -> None:
    _write(folder, [{**ROW, "data_index": str(n), "image_path": f"none{n}.png"} for n in range(31)])
    with pytest.raises(DatasetError, match="31 mistakes") as caught:
        _read(folder)
    assert str(caught.value).count("does not exist") == 20
    assert "and 11 more" in str(caught.value)


def test_missing_columns_are_named(folder: Path) -> None:
    (folder / "annotation.csv").write_text("data_index;split;image;question;answer;doc_class;question_type\n")
    with pytest.raises(DatasetError, match=r"column 'image_path' is missing; found 'data_index'(.|\n)*'answer_bbox'"):
        _read(folder)


def test_broken_quoting_and_encoding_are_reported(folder: Path) -> None:
    header = ";".join(COLUMNS)
    (folder / "annotation.csv").write_text(f'{header}\n1;test;images/1.png;q;"open;passport;f;[]\n')
    with pytest.raises(DatasetError, match="after row 0: unexpected end of data"):
        _read(folder)
    (folder / "annotation.csv").write_bytes(f"{header}\n1;test;images/1.png;вопрос".encode("cp1251"))
    with pytest.raises(DatasetError, match="not UTF-8"):
        _read(folder)


def test_no_such_source(folder: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        _read(folder)
    with pytest.raises(DatasetError, match="does not exist"):
        _read(folder / "nowhere")
