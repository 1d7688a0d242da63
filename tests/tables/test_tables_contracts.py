"""The contracts: a bad value in every column is named, kept, and never becomes a table."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmbench_assets.contracts import CONTRACTS, Contract, TableName
from vlmbench_assets.tables import TableContractError, broken_rules, read_table, table_from_rows, to_csv, write_table

SHA = "a" * 64
GOOD: dict[TableName, dict[str, object]] = {
    "samples": {
        "sample_id": "s1",
        "doc_id": "d1",
        "split": "test",
        "subset": "clean",
        "doc_type": "receipt",
        "field": "total",
        "question": "How much?",
        "references": '["1.00"]',
        "answer_type": "money",
        "images": '["a.png"]',
        "image_sha256": f'["{SHA}"]',
        "language": "en",
        "attributes": "{}",
    },
    "answers": {
        "sample_id": "s1",
        "status": "ok",
        "answer": "1.00",
        "finish_reason": "",
        "error": "",
        "attempts": 1,
        "latency_ms": 1.5,
        "ttft_ms": None,
        "input_tokens": None,
        "output_tokens": 3,
        "prompt_sha256": SHA,
        "sample_digest": SHA,
        "answered_at": "2026-01-02T03:04:05.678+00:00",
    },
    "metrics": {
        "sample_id": "s1",
        "metric": "anls",
        "value": 0.5,
        "weight": 1.0,
        "category": "wrong_value",
        "detail": "",
    },
    "aggregates": {
        "dimension": "overall",
        "group": "all",
        "metric": "anls",
        "policy": "failures_worst",
        "n": 2,
        "n_scored": 1,
        "documents": 1,
        "coverage": 0.5,
        "value": 0.5,
        "ci_low": 0.1,
        "ci_high": 0.9,
        "ci_method": "bootstrap_t",
        "mde": 0.2,
    },
}
BAD: dict[tuple[TableName, str], str] = {
    ("samples", "sample_id"): "",
    ("samples", "doc_id"): "",
    ("samples", "references"): "1.00",
    ("samples", "answer_type"): "",
    ("samples", "images"): '"a.png"',
    ("samples", "image_sha256"): "[1]",
    ("samples", "attributes"): "[]",
    ("answers", "sample_id"): "",
    ("answers", "status"): "fine",
    ("answers", "attempts"): "0",
    ("answers", "latency_ms"): "-1.0",
    ("answers", "ttft_ms"): "soon",
    ("answers", "input_tokens"): "1.5",
    ("answers", "output_tokens"): "-3",
    ("answers", "prompt_sha256"): "abc",
    ("answers", "sample_digest"): "",
    ("answers", "answered_at"): "yesterday",
    ("metrics", "sample_id"): "",
    ("metrics", "metric"): "",
    ("metrics", "value"): "inf",
    ("metrics", "weight"): "-1.0",
    ("metrics", "category"): "odd",
    ("aggregates", "dimension"): "",
    ("aggregates", "metric"): "",
    ("aggregates", "policy"): "guess",
    ("aggregates", "n"): "-1",
    ("aggregates", "n_scored"): "x",
    ("aggregates", "coverage"): "1.5",
    ("aggregates", "value"): "-inf",
    ("aggregates", "ci_low"): "low",
    ("aggregates", "ci_high"): "inf",
    ("aggregates", "documents"): "-1",
    ("aggregates", "mde"): "-0.1",
}
FREE_TEXT = {("samples", name) for name in ("split", "subset", "doc_type", "field", "question", "language")} | {
    ("answers", "answer"),
    ("answers", "finish_reason"),
    ("answers", "error"),
    ("metrics", "detail"),
    ("aggregates", "group"),
    ("aggregates", "ci_method"),
}
"""Columns in which every text is right."""
COLUMNS = [(name, column) for name, contract in CONTRACTS.items() for column in contract.columns]


def written(contract: Contract, path: Path, **changed: str) -> Path:
    good = table_from_rows(contract, [GOOD[contract.name]])
    cells = next(csv.DictReader(io.StringIO(to_csv(good), newline=""))) | changed
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, contract.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerow(cells)
    return path


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_a_bad_value_in_any_column_is_named(tmp_path: Path, name: TableName, column: str) -> None:
    contract = CONTRACTS[name]
    if (name, column) in FREE_TEXT:
        path = written(contract, tmp_path / f"{name}.csv", **{column: 'any "text",\n at all'})
        assert read_table(path, contract)[column].iloc[0] == 'any "text",\n at all'
        return
    value = BAD[name, column]
    path = written(contract, tmp_path / f"{name}.csv", **{column: value})
    with pytest.raises(TableContractError) as caught:
        read_table(path, contract)
    said = str(caught.value)
    assert str(path) in said
    assert "row 1" in said
    assert f"column {column}" in said
    assert repr(value) in said
    assert path.with_suffix(".rejected.csv").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)
def test_what_is_not_the_table_is_refused(tmp_path: Path, contract: Contract) -> None:
    good = to_csv(table_from_rows(contract, [GOOD[contract.name]]))
    header, row = good.split("\n", 1)
    path = tmp_path / f"{contract.name}.csv"
    for content, says in (
        (header.replace(contract.columns[0], "other") + "\n" + row, "missing"),
        (",".join(reversed(contract.columns)) + "\n" + row, "columns must be"),
        (good + "one,cell,too,few\n", "row 2"),
        (good + row, "more than one row with this"),
        ("", "columns must be"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(TableContractError, match=says):
            read_table(path, contract)
    path.write_bytes(good.encode("utf-16"))
    with pytest.raises(TableContractError, match="UTF-8"):
        read_table(path, contract)


def test_writing_a_broken_table_keeps_the_old_one(tmp_path: Path) -> None:
    contract = CONTRACTS["answers"]
    path = tmp_path / "answers.csv"
    write_table(table_from_rows(contract, [GOOD["answers"]]), contract, path)
    before = path.read_bytes()
    broken = table_from_rows(contract, [GOOD["answers"] | {"status": "error"}])
    with pytest.raises(TableContractError, match="says why in `error`"):
        write_table(broken, contract, path)
    assert path.read_bytes() == before
    assert b",error," in path.with_suffix(".rejected.csv").read_bytes()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)
def test_no_rows_are_a_table_too(tmp_path: Path, contract: Contract) -> None:
    path = tmp_path / "empty.csv"
    write_table(table_from_rows(contract, []), contract, path)
    assert read_table(path, contract).empty


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    contract = CONTRACTS["answers"]
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    rows = [GOOD["answers"] | {"sample_id": f"s{index}", "answer": text} for index, text in enumerate(texts)]
    frame = table_from_rows(contract, rows)
    assert broken_rules(frame, contract) == []
    path = tmp_path_factory.mktemp("text") / "answers.csv"
    write_table(frame, contract, path)
    assert list(read_table(path, contract)["answer"]) == texts


@pytest.mark.parametrize("text", ["NA", "None", "nan", "null", "", "0044", "1e5", "x" * 200_000, "a\r\nb\0c\u2028d"])
def test_text_is_never_taken_for_something_else(tmp_path: Path, text: str) -> None:
    contract = CONTRACTS["answers"]
    path = tmp_path / "answers.csv"
    write_table(table_from_rows(contract, [GOOD["answers"] | {"answer": text}]), contract, path)
    frame = read_table(path, contract)
    assert frame["answer"].iloc[0] == text
    assert frame["ttft_ms"].isna().all()
