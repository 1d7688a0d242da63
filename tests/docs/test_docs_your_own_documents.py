"""The tutorial for one's own documents, as a stranger follows it: real receipts, an endpoint, a leaderboard."""

import csv
import hashlib
import json
import os
import shlex
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.docs.test_docs_how_to import BLOCK, write_files
from tests.support import REPOSITORY, Run, free_port, served

PAGE = REPOSITORY / "docs/tutorial/your_own_documents.md"
RECEIPTS = REPOSITORY.parent / "shared/data/sroie"
"""80 receipts (SROIE, ICDAR 2019); beside the project, never in it."""
TAKEN = 20
ASKED = {"total": "What is the total?", "date": "What is the date?"}
URL = "http://127.0.0.1:8399/v1"

pytestmark = pytest.mark.skipif(not RECEIPTS.exists(), reason=f"no receipts in {RECEIPTS}")


def shown_table() -> list[dict[str, str]]:
    """The rows of `questions.csv` that the page shows."""
    tables = [body for language, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if language == "csv"]
    return list(csv.DictReader(tables[0].splitlines()))


def write_documents(folder: Path) -> dict[str, str]:
    """The reader's own folder, with the page's columns; returns the totals by the pictures' SHA-256."""
    folder.mkdir()
    totals = {}
    rows = []
    for key in sorted((RECEIPTS / "key").glob("*.json"))[:TAKEN]:
        gold = json.loads(key.read_text(encoding="utf-8"))
        picture = Path(shutil.copy(RECEIPTS / "img" / f"{key.stem}.jpg", folder))
        totals[hashlib.sha256(picture.read_bytes()).hexdigest()] = gold["total"]
        for shown in shown_table()[:2]:
            field = shown["field"]
            rows.append({**shown, "image": picture.name, "answer": gold[field]})
            assert shown["question"] == ASKED[field]
    with (folder / "questions.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, rows[0], delimiter=";")
        table.writeheader()
        table.writerows(rows)
    return totals


def test_twenty_pictures_and_a_url_become_a_leaderboard(vlmbench: Run, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    (init, *commands) = write_files(PAGE, tmp_path / "page")
    assert [command[0] for command in (init, *commands)] == ["vlmbench"] * 8
    assert "try:" in vlmbench(*init[1:], cwd=tmp_path, check=0).stdout
    shutil.copytree(tmp_path / "page/mine", root, dirs_exist_ok=True)
    answers = write_documents(root / "documents")
    (tmp_path / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    address = f"http://127.0.0.1:{free_port()}"
    entry = root / "registries/models/ours.yaml"
    text = entry.read_text(encoding="utf-8")
    assert URL in text
    entry.write_text(text.replace(URL, f"{address}/v1"), encoding="utf-8")
    mock = [sys.executable, "-m", "vlmbench_assets.cli", "mock-endpoint", "--port", address.rpartition(":")[2]]
    said = []
    with served([*mock, "--answers", "answers.json"], f"{address}/stats", tmp_path, dict(os.environ)):
        for _, *arguments in commands:
            done = vlmbench(*arguments, cwd=tmp_path)
            # A plan with something to do says so by its status.
            assert done.returncode == (3 if arguments[0] == "plan" else 0), f"{shlex.join(arguments)}\n{done.stderr}"
            assert "Traceback" not in done.stderr
            said.append(done.stdout + done.stderr)
        with urllib.request.urlopen(f"{address}/stats", timeout=10) as answer:  # noqa: S310
            assert json.load(answer)["requests"] == len(ASKED) * TAKEN * 2, "no answer is bought twice"
    check, plan, first, whole, leaderboard, report, _ = said
    assert "all right" in check
    assert "80 samples to ask" in plan
    assert "first 2 samples only" in first
    assert "76 samples to ask" in whole
    assert "2 of 2 cells done" in whole
    # The mock knows the totals by the pictures' own bytes: smaller pictures are others, and a date is no total.
    ours, small = (line.replace("◆", "").split() for line in leaderboard.splitlines()[3:5])
    assert ours[:4] == ["1", "1", "ours", "0.500"]
    assert small[:4] == ["2", "2", "ours-small", "0.000"]
    assert "exact_match 0.500" in report
    assert "from 40 samples of 20 documents" in report
    for named in ("leaderboard/documents/leaderboard.html", "report/ours/documents/report.html"):
        assert f"mine/data/{named}" in PAGE.read_text(encoding="utf-8")
        assert "ours" in (root / "data" / named).read_text(encoding="utf-8")
    assert (tmp_path / "results/index.html").exists()
