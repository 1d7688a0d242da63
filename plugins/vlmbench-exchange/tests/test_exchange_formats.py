"""The formats by themselves: exact, bounded, and with mistakes by file and row."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmbench_exchange import evalscope, inspect_ai, lmms_eval, original_answers, reading, vlmevalkit, xlsx, zips
from vlmbench_exchange.options import InspectOptions
from vlmbench_sdk import ExchangeError, ImportedLog, ImportJob, NoOptions, Prediction

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def job(file: Path, source: Path | None = None) -> "ImportJob[NoOptions]":
    return ImportJob(file=file, options=NoOptions(), source=source)


def inspect_log(file: Path, epoch: int | None = None) -> ImportedLog:
    return inspect_ai.read(ImportJob(file=file, options=InspectOptions(epoch=epoch)))


def sheet(path: Path, cells: str, strings: str = "", name: str = "xl/worksheets/sheet1.xml") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>")
        if strings:
            archive.writestr("xl/sharedStrings.xml", strings)
    return path


HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>index</t></is></c><c r="B1" t="s"><v>0</v></c></row>'
STRINGS = f"<sst {MAIN}><si><t>prediction</t></si>{{}}</sst>"


def test_a_sheet_as_programs_write_it(tmp_path: Path) -> None:
    strings = STRINGS.format(
        '<si><r><t>=cmd</t></r><r><t xml:space="preserve">() </t></r><rPh><t>no</t></rPh></si>'
        "<si><t>a_x000D_b_x005F_x0041_</t></si>"
    )
    cells = (
        '<row r="2"><c r="A2"><v>3.0</v></c><c r="B2" t="s"><v>1</v></c></row>'
        '<row r="4"><c r="A4" t="str"><v>s1</v></c><c r="B4" t="s"><v>2</v></c></row>'
        '<row><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c></row>'
    )
    rows = xlsx.read_sheet(sheet(tmp_path / "a.xlsx", HEAD + cells, strings), ("index", "prediction"))
    assert rows == [
        ("row 2", {"index": "3", "prediction": "=cmd() "}),
        ("row 4", {"index": "s1", "prediction": "a\rb_x0041_"}),
        ("row 5", {"index": "True", "prediction": "#N/A"}),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<c r='B2'><f>Alma</f><v /></c>", "=Alma"),  # openpyxl 3.1
        ("<c r='B2'><f>Alma</f><v>0</v></c>", "=Alma"),  # XlsxWriter 3.2
        ("<c r='B2'><f></f><v>0</v></c>", "="),
        ("<c r='B2'><f>a\nb_x0041_ &lt;é😀</f><v>0</v></c>", "=a\nb_x0041_ <é😀"),
        ("<c r='B2' t='e'><f aca='false'>Alma</f><v>#NAME?</v></c>", "=Alma"),
        ("<c r='B2' t='str'><f>HYPERLINK(1)</f><v></v></c>", "=HYPERLINK(1)"),
    ],
)
def test_a_text_that_begins_with_an_equals_sign_became_a_formula(cell: str, text: str, tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", f'{HEAD}<row r="2"><c r="A2"><v>1</v></c>{cell}</row>', STRINGS.format(""))
    assert xlsx.read_sheet(path, ("index", "prediction")) == [("row 2", {"index": "1", "prediction": text})]
    assert vlmevalkit.read(job(path)).predictions[0].answer == text


@pytest.mark.parametrize(
    "cell",
    [
        "<c r='B2' t='str'><f>1+1</f><v>2</v></c>",
        "<c r='B2'><f>1+1</f><v>2</v></c>",
        "<c r='B2' t='b'><f>A1=A2</f><v>1</v></c>",
        "<c r='B2'><f t='shared' si='0'/><v>0</v></c>",
        "<c r='B2'><f t='array' ref='B2'>x</f><v>0</v></c>",
    ],
)
def test_a_formula_that_was_worked_out_is_refused_and_never_evaluated(cell: str, tmp_path: Path) -> None:
    cells = f'{HEAD}<row r="2"><c r="A2"><v>1</v></c>{cell}</row>'
    with pytest.raises(ExchangeError, match="row 2, column B: it is a formula"):
        xlsx.read_sheet(sheet(tmp_path / "a.xlsx", cells, STRINGS.format("")), ("index", "prediction"))


@pytest.mark.parametrize(
    ("cells", "strings", "says"),
    [
        ("<row", STRINGS, "not a spreadsheet"),
        (HEAD, "", "names string 0, which is not there"),
        (HEAD, f'<!DOCTYPE x [<!ENTITY a "b">]>{STRINGS}', "declares a document type"),
        ('<row r="x"></row>', STRINGS, "not a spreadsheet"),
        ("", STRINGS, "column 'index' is missing; found nothing"),
    ],
)
def test_what_is_no_such_sheet_is_refused(cells: str, strings: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=says):
        xlsx.read_sheet(sheet(tmp_path / "a.xlsx", cells, strings), ("index", "prediction"))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=40)] * 2),
        max_size=4,
    )
)
def test_any_text_comes_back_from_a_sheet(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    path.write_bytes(xlsx.write_sheet(("index", "prediction"), rows))
    read = [(row["index"], row["prediction"]) for _, row in xlsx.read_sheet(path, ("index", "prediction"))]
    assert read == [row for row in rows if any(row)]


@given(text=st.text())
def test_gold_comes_back(text: str) -> None:
    assert reading.gold_of(reading.gold_text((text, "b"))) == (text, "b")
    if text:
        assert reading.gold_of(reading.gold_text((text,))) == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "[__import__('os')]",
        "[1",
        "[" * 5000,
        "[[1]]",
        "[" + "1," * 40_000 + "]",
        "['a'",
        "[x for x in y]",
        "{}",
        "[0x" + "f" * 5000 + "]",
    ],
)
def test_a_literal_that_is_no_list_of_texts_is_text(text: str) -> None:
    assert reading.texts_of(text) is None
    assert reading.gold_of(text) == (text,)


def packed(path: Path, members: dict[str, bytes], *, said: int | None = None) -> Path:
    """An archive with Zstandard members, as Inspect writes them; `said` is a size that its directory claims."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, zstandard.compress(content))
    whole = bytearray(buffer.getvalue())
    with zipfile.ZipFile(io.BytesIO(buffer.getvalue())) as archive:
        for member in archive.infolist():
            size = len(members[member.filename]) if said is None else said
            place = member.header_offset
            whole[place + 8 : place + 10] = zips.ZSTANDARD.to_bytes(2, "little")
            whole[place + 22 : place + 26] = size.to_bytes(4, "little")
    place = whole.find(b"PK\1\2")
    for name, content in members.items():
        size = len(content) if said is None else said
        whole[place + 10 : place + 12] = zips.ZSTANDARD.to_bytes(2, "little")
        whole[place + 24 : place + 28] = size.to_bytes(4, "little")
        place = whole.find(b"PK\1\2", place + 46 + len(name))
    path.write_bytes(bytes(whole))
    return path


def sample(name: int | str, answer: object, **more: object) -> dict[str, object]:
    output = {"choices": [{"message": {"role": "assistant", "content": answer}, "stop_reason": "stop"}]}
    return {"id": name, "epoch": 1, "input": "Q", "target": "x", "output": output, **more}


HEADER = {"version": 2, "eval": {"task": "t", "model": "m", "packages": {"inspect_ai": "0.3.285"}}}


def test_an_archive_of_inspect(tmp_path: Path) -> None:
    parts = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "attachment://1"}]
    samples = [
        sample(3, parts, attachments={"1": "long text"}),
        sample("s1", "cut", output={"choices": [{"message": {"content": "cut"}, "stop_reason": "max_tokens"}]}),
        sample("s2", "", error={"message": "it broke"}),
    ]
    members = {f"samples/{each['id']}_epoch_1.json": json.dumps(each).encode() for each in samples}
    log = inspect_log(packed(tmp_path / "a.eval", {"header.json": json.dumps(HEADER).encode(), **members}))
    assert (log.tool, log.model, log.dataset) == ("inspect_ai 0.3.285", "m", "t")
    assert [(each.sample_id, each.status, each.answer, each.error) for each in log.predictions] == [
        ("3", "ok", "long text", ""),
        ("s1", "truncated", "cut", ""),
        ("s2", "error", "", "it broke"),
    ]


def test_an_archive_that_holds_more_than_it_says_is_refused(tmp_path: Path) -> None:
    bomb = {"header.json": json.dumps(HEADER).encode(), "samples/a.json": b" " * 40_000_000}
    with pytest.raises(ExchangeError, match=r"has 101 bytes, not 100"):
        inspect_log(packed(tmp_path / "a.eval", {"header.json": bomb["samples/a.json"]}, said=100))
    with pytest.raises(ExchangeError, match="unpacked it would be too large"):
        inspect_log(packed(tmp_path / "b.eval", bomb, said=zips.LARGEST_MEMBER + 1))


def test_a_deflated_bomb_and_no_archive_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.eval"
    path.write_bytes(b"not a zip")
    with pytest.raises(ExchangeError, match="this is not a zip archive"):
        inspect_log(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", b" " * (zips.LARGEST_MEMBER + 1))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ExchangeError, match="unpacked it would be too large"):
        inspect_log(path)


def test_several_epochs_want_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**HEADER, "samples": [sample("a", "1"), {**sample("a", "2"), "epoch": 2}]}))
    with pytest.raises(ExchangeError, match=r"it has the epochs 1, 2. Choose one with `--option epoch=N`"):
        inspect_log(path)
    assert [each.answer for each in inspect_log(path, 2).predictions] == ["2"]


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**HEADER, "version": 3}))
    with pytest.raises(ExchangeError, match="version 3 of the format; 2 is known"):
        inspect_log(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"doc_id": 1, "filtered_resps": ["a", "b"]}', "line 1: key 'filtered_resps': one text is expected"),
        (b'{"doc_id": "1", "filtered_resps": "a"}', "line 1: key 'doc_id': input should be a valid integer"),
        (b'\n{"doc_id": 1', "line 2: not JSON"),
        (b'{"doc_id": 1e400, "filtered_resps": "a"}', "line 1: key 'doc_id'"),
        (b'{"doc_id": 1, "filtered_resps": "a", "token_counts": [{"output_tokens": 1' + b"0" * 30 + b"}]}", "tokens'"),
        (b"[1]", "line 1: a JSON object is expected, as in {...}"),
        (
            b'{"doc_id": 1, "filtered_resps": "a", "token_counts": [3]}',
            "'token_counts.0': input should be a JSON object",
        ),
        (b'{"doc_id": 1, "filtered_resps": ' + b"[" * 100_000, "line 1: not JSON"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"a\0b", "line 1: it holds a NUL character"),
        (b'{"doc_id": 1, "filtered_resps": "a", "vlmbench": {"status": "ok"}}', "line 1, 'vlmbench': key 'sample_id'"),
    ],
)
def test_mistakes_of_a_log_are_named(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a_samples_t.jsonl"
    path.write_bytes(content)
    with pytest.raises(ExchangeError) as raised:
        lmms_eval.read(job(path))
    assert says in str(raised.value)
    assert str(path) in str(raised.value)


def test_the_model_s_own_text_comes_before_the_filtered_one(tmp_path: Path) -> None:
    path = tmp_path / "a_samples_docvqa.jsonl"
    line = {"doc_id": 0, "target": "['a', 'b']", "resps": [["Answer: A"]], "filtered_resps": ["A"], "input": "Q"}
    path.write_text(json.dumps(line))
    log = lmms_eval.read(job(path))
    assert log.dataset == "docvqa"
    expected = Prediction(where="line 1", position=0, question="Q", gold=("a", "b"), answer="Answer: A")
    assert log.predictions == (expected,)


@pytest.mark.parametrize(
    ("target", "gold"),
    [
        (r'["\ud83d\ude00 emoji", "b"]', ("😀 emoji", "b")),
        ('["don\'t", 12.50, true]', ("don't", "12.5", "true")),
        ("[]", ()),
        ("null", ()),
        ('["", null]', ()),
        ("0", ("0",)),
        ('"[]"', ()),
        ('"[1, 2]"', ("1", "2")),
    ],
)
def test_references_of_a_log_in_every_shape(target: str, gold: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "a_samples_t.jsonl"
    path.write_text(f'{{"doc_id": 0, "target": {target}, "filtered_resps": ["a"]}}', encoding="utf-8")
    assert lmms_eval.read(job(path)).predictions[0].gold == gold


def test_evalscope_says_what_became_of_each(tmp_path: Path) -> None:
    path = tmp_path / "docvqa_default.jsonl"
    outputs = [
        {"choices": [{"message": {"content": [{"type": "text", "text": "a"}]}, "stop_reason": "content_filter"}]},
        {"choices": [], "error": "refused"},
        None,
    ]
    path.write_text("\n".join(json.dumps({"index": n, "model": "m", "model_output": o}) for n, o in enumerate(outputs)))
    log = evalscope.read(job(path))
    assert [(each.position, each.status, each.error) for each in log.predictions] == [
        (0, "refused", ""),
        (1, "error", "refused"),
        (2, "error", "the file has no output for it"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("index\tanswer\n1\t2\n", "column 'prediction' is missing; found index, answer"),
        ("index\tprediction\tindex\n", "column 'index' stands twice"),
        ("index\tprediction\n1\n2\tb\tc\n", r"row 1 \(ends in line 2\): 1 cells, not 2; row 2"),
        ('index\tprediction\n1\t"a"b\n', "after row 0"),
        ("index\tprediction\n\ta\n", "row 1, column 'index': is empty"),
    ],
)
def test_mistakes_of_a_table_are_named(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "m_d.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExchangeError, match=says):
        vlmevalkit.read(job(path))


def test_a_full_cell_of_a_spreadsheet_counts_as_cut(tmp_path: Path) -> None:
    cells = f'<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="inlineStr"><is><t>{"a" * 32767}</t></is></c></row>'
    path = sheet(tmp_path / "m_d.xlsx", HEAD + cells, STRINGS.format(""))
    (found,) = vlmevalkit.read(job(path)).predictions
    assert (found.status, found.finish_reason) == ("truncated", "cell of a spreadsheet full")


def test_a_name_that_says_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m_d.pkl"
    path.write_bytes(b"\x80\x04")
    with pytest.raises(ExchangeError, match=r"its name ends in '.pkl', not .xlsx or .tsv"):
        vlmevalkit.read(job(path))
    with pytest.raises(ExchangeError, match="this is a folder"):
        vlmevalkit.read(job(tmp_path))


ANNOTATION = (
    "\ufeffdata_index;split;image_path;question;answer;doc_class;question_type;answer_bbox\n"
    "0;test;a.jpg;Номер?;0044;passport;Серия;[1, 2]\n"
    '0;train;b.jpg;"Кто; где?";;passport;Имя;\n'
)


def test_the_original_s_answers_go_by_rows_of_its_annotation(tmp_path: Path) -> None:
    (tmp_path / "annotation.csv").write_text(ANNOTATION, encoding="utf-8")
    path = tmp_path / "answers.csv"
    path.write_text('\ufeffid;model_answer\n1;"=a;\nb"\n0;\n', encoding="utf-8")
    log = original_answers.read(job(path, tmp_path))
    first, second = log.predictions
    assert (first.images, first.question, first.field, first.gold) == (("b.jpg",), "Кто; где?", "Имя", ())
    assert (first.answer, second.answer, second.status, second.gold) == ("=a;\nb", "", "empty", ("0044",))
    path.write_text("id;model_answer\n2;x\n-1;x\nx;x\n", encoding="utf-8")
    with pytest.raises(ExchangeError, match=r"row 1, column 'id': '2' is no row of annotation.csv, which has 2; row 2"):
        original_answers.read(job(path, tmp_path))
    path.write_text(f"id;model_answer\n{'1' * 5000};x\n", encoding="utf-8")
    with pytest.raises(ExchangeError, match=r"'1{20}' is no row of annotation.csv, which has 2"):
        original_answers.read(job(path, tmp_path))
    with pytest.raises(ExchangeError, match="the dataset's source has none"):
        original_answers.read(job(path, tmp_path / "elsewhere"))


@pytest.mark.parametrize("column", ["model_answer", "answer"])
def test_answers_about_page_packs_go_by_their_ids(column: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(f"\ufeffsample_id;{column}\n7;225\n", encoding="utf-8")
    log = original_answers.read(job(path))
    assert [(found.sample_id, found.answer) for found in log.predictions] == [("7", "225")]
    assert log.match == "id"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    with path.open("wb") as file:
        file.truncate(reading.LARGEST_FILE + 1)
    with pytest.raises(ExchangeError, match="at most 1073741824 are read"):
        vlmevalkit.read(job(path))
