"""The how-to page about structure: what it says comes out."""

import csv
import json
from pathlib import Path

import pytest

from tests.docs.test_docs_how_to import write_files
from tests.support import REPOSITORY, Run
from vlmbench_sdk import Score
from vlmbench_structure.classes import UNPARSED, confusion_matrix


def test_the_page_scores_each_kind_of_answer(vlmbench: Run, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    root.mkdir()
    output = ""
    for command, *arguments in write_files(REPOSITORY / "docs/how-to/score_structure.md", root):
        assert command == "vlmbench"
        output += vlmbench(*arguments, cwd=root, check=0).stdout
    with (root / "data/metrics/scripted/forms/metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["metric"], row["sample_id"]): row for row in csv.DictReader(file)}
    found = {key: row["value"] for key, row in rows.items()}
    assert found["class_accuracy", "kind-1"] == "1.0"
    assert found["class_accuracy", "kind-2"] == ""
    assert float(found["teds", "table"]) == pytest.approx(0.75)
    assert found["teds_struct", "table"] == "1.0"
    assert float(found["kendall_tau", "pages"]) == pytest.approx(1 / 3)
    assert found["kie_f1", "items"] == "1.0"
    assert found["line_items_total", "items"] == "1.0"
    assert found["inn_checksum", "inn"] == "1.0"
    classes = [Score(value=None, detail=row["detail"]) for key, row in rows.items() if key[0] == "macro_f1"]
    assert confusion_matrix(classes) == {"invoice": {"invoice": 1}, "receipt": {UNPARSED: 1}}
    assert json.loads(rows["kie_f1", "items"]["detail"]) == {"correct": 5, "answer": 5, "gold": 5}
    assert "teds" in output
