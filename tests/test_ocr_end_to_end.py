"""Real OCR engines in their own environments read a drawn receipt."""

import json
from pathlib import Path

import pytest

from tests.support import Run, write_yaml


@pytest.mark.engine("tesseract")
def test_engines_read_a_receipt_in_their_own_environments(workspace: Path, vlmbench: Run) -> None:
    dataset = "reader: synthetic\noptions: {kinds: [receipt], documents: 2, conditions: [clean]}\n"
    write_yaml(workspace, "datasets/drawn", dataset)
    benchmark = "models: [rapidocr, tesseract]\ndatasets: [drawn]\nmetrics: [exact_match]\n"
    write_yaml(workspace, "benchmarks/ocr", benchmark)
    vlmbench("run", "--benchmark", "ocr", check=0)
    ranked = json.loads(vlmbench("leaderboard", "drawn", "--json", check=0).stdout)["drawn"]
    assert {row["model"] for row in ranked} == {"rapidocr", "tesseract"}
    assert all(row["exact_match"] >= 0.75 for row in ranked)
    assert all(row["median_latency_ms"] > 0 for row in ranked)
    for model, package in (("rapidocr", "rapidocr"), ("tesseract", "pillow")):
        manifest = workspace / f"data/answers/{model}/drawn/manifest.json"
        environment = json.loads(manifest.read_text(encoding="utf-8"))["facts"]["environment"]
        assert environment["kind"] == "venv"
        assert package in environment["packages"]
        assert "dagster" not in environment["packages"]


@pytest.mark.engine("tesseract")
def test_a_cut_off_picture_costs_its_own_answers_only(workspace: Path, vlmbench: Run) -> None:
    dataset = "reader: synthetic\noptions: {kinds: [receipt], documents: 2, conditions: [clean]}\n"
    write_yaml(workspace, "datasets/drawn", dataset)
    write_yaml(workspace, "benchmarks/ocr", "models: [tesseract]\ndatasets: [drawn]\nmetrics: [exact_match]\n")
    vlmbench("run", "--benchmark", "ocr", "--limit", "1", check=0)
    picture = next(path for path in (workspace / "data/samples/drawn/files").glob("*/*.png") if "00001" in path.name)
    folder = workspace / "cut"
    folder.mkdir()
    for path in picture.parent.glob("*.png"):
        content = path.read_bytes()
        (folder / path.name).write_bytes(content[: len(content) // 2] if path == picture else content)
    lines = [
        {"id": path.stem, "field": "total", "images": [path.name], "references": ["1.00"], "messages": [ASK]}
        for path in sorted(folder.glob("*.png"))
    ]
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    write_yaml(workspace, "datasets/cut", "reader: jsonl\nsource: cut\n")
    vlmbench("run", "--model", "tesseract", "--dataset", "cut", check=1)
    answers = (workspace / "data/answers/tesseract/cut/answers.csv").read_text(encoding="utf-8")
    assert [line.split(",")[1] for line in answers.splitlines()] == ["status", "ok", "error"]
    assert "cannot be read as a picture" in answers


ASK = {"role": "user", "content": "Total?"}
