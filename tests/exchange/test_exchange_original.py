"""The original project's workspace, as its repository lays it out: entries, and answers under them."""

import csv
import json
import shlex
from pathlib import Path

import pytest

from tests.cells import bench_of
from tests.support import Run
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.entries import write_entries
from vlmbench_assets.make.imported import run_importer
from vlmbench_assets.plan import make_plan
from vlmbench_sdk import ExchangeError, ImportedEntries, NewEntry

BOM = "\ufeff"
CONFIG = (
    "dataset;task;framework;model_name;system_prompt;prompt_collection;metrics;only_evaluate_metrics;"
    "metrics_aggregators;filter_doc_class;filter_question_type\n"
    "demo_mini;VQA;Hugging Face;Qwen2.5-VL-3B-Instruct;;demo_mini/Somebody_demo_mini_008.csv;['CER'];False;"
    "['by_id', 'by_doc_question', 'by_doc_type', 'general'];;\n"
    "demo_mini;VQA;Hugging Face;Qwen2.5-VL-3B-Instruct;;;['CER', 'WER', 'BLEU', 'XYZ'];False;['general'];passport;\n"
)
BASE = (
    "framework;model_family;model_name;docker_image;git_python_package;python_package;module;class_name\n"
    "Hugging Face;Qwen2.5-VL;Qwen2.5-VL-3B-Instruct;image:1;git+https://example.org/m.git@0.1.1;m;m.models;Qwen\n"
)
ANNOTATION = (
    "data_index;split;image_path;question;answer;doc_class;question_type;answer_bbox\n"
    "0;test_clean;images/a.jpg;Номер?;0044;passport;Серия и номер паспорта;[1420, 280, 1470, 750]\n"
    '0;test_clean;images/a.jpg;"Пол; где?";;passport;Пол;\n'
    "1;test_blur;images/b.jpg;Номер?;7;passport;Серия и номер паспорта;\n"
)
PROMPTS = "prompt;doc_class_question_type;cer\nНазови номер;passport Серия и номер паспорта;0.0\n"
ANSWERS = "id;model_answer\n2;7\n0;0044\n1;\n"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    data = tmp_path / "VLMHyperBench/vlmhyperbench/data_dirs"
    files = {
        tmp_path / "VLMHyperBench/user_config.csv": CONFIG,
        tmp_path / "VLMHyperBench/vlmhyperbench/vlm_base.csv": BASE,
        data / "Datasets/VQA/demo_mini/annotation.csv": ANNOTATION,
        data / "PromptCollections/VQA/demo_mini/Somebody_demo_mini_008.csv": PROMPTS,
        data
        / "ModelsAnswers/VQA/demo_mini_Hugging_Face_Qwen2.5-VL-3B-Instruct_VQA_answers_20250601_052520.csv": ANSWERS,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((BOM + text).encode())
    (data / "Datasets/VQA/demo_mini/images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (data / "Datasets/VQA/demo_mini/images" / name).write_bytes(name.encode())
    return tmp_path / "VLMHyperBench"


def test_a_workspace_of_the_original_is_taken_over_and_scored(theirs: Path, workspace: Path, vlmbench: Run) -> None:
    said = json.loads(vlmbench("import", "original", str(theirs / "user_config.csv"), "--json", check=0).stdout)
    assert sorted(said["written"]) == [
        "prompts/VQA--demo_mini--Somebody_demo_mini_008.csv",
        "registries/benchmarks/original-demo_mini.yaml",
        "registries/datasets/demo_mini.yaml",
        "registries/metrics/bleu-text.yaml",
        "registries/models/Qwen2.5-VL-3B-Instruct--VQA--demo_mini--Somebody_demo_mini_008.yaml",
        "registries/models/Qwen2.5-VL-3B-Instruct.yaml",
        "registries/prompts/VQA--demo_mini--Somebody_demo_mini_008.yaml",
    ]
    copied = (workspace / "prompts/VQA--demo_mini--Somebody_demo_mini_008.csv").read_bytes()
    assert copied == (BOM + PROMPTS).encode()
    notes = "\n".join(said["notes"])
    assert "row 2: there is no metric 'xyz' here" in notes
    assert "row 2: filter_doc_class 'passport' is not carried over" in notes
    command = next(note for note in said["notes"] if note.startswith("answers: ") and "Somebody" not in note)
    catalog = bench_of(workspace).catalog
    entry = catalog.benchmarks["original-demo_mini"]
    assert entry.metrics == ("cer", "wer", "bleu-text")
    assert make_plan(bench_of(workspace), [Cell("Qwen2.5-VL-3B-Instruct", "demo_mini")]).never_scoring == {}
    assert entry.dimensions == ("overall", "doc_type*field", "doc_type")
    assert catalog.prompts["VQA--demo_mini--Somebody_demo_mini_008"].tuned_on == ("demo_mini:all",)
    vlmbench(*shlex.split(command.removeprefix("answers: vlmbench ")), check=0)
    path = workspace / "data/answers/Qwen2.5-VL-3B-Instruct/demo_mini/answers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["answer"], row["status"]) for row in rows] == [("0044", "ok"), ("", "empty"), ("7", "ok")]
    bench = bench_of(workspace)
    again = run_importer(bench, bench.plugins.importers["original"], theirs / "user_config.csv", {}, None)
    assert isinstance(again, ImportedEntries)
    assert write_entries(bench.workspace, again) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("['CER'];False", "__import__('os').system('x');False", "row 1, column 'metrics'"),
        ("['CER'];False", "CER;False", "'CER' is no list like ['CER']"),
        ("['general']", "['by_moon']", "row 2, column 'metrics_aggregators'"),
        ("demo_mini;VQA", "../../..;VQA", "row 1: there is no annotation.csv of dataset '../../..'"),
        ("demo_mini/Somebody", "../../../Somebody", "there is no file '../../../Somebody_demo_mini_008.csv'"),
        ("Qwen2.5-VL-3B-Instruct;;demo", "Another;;demo", "vlm_base.csv has no 'Hugging Face' with 'Another'"),
        ("dataset;task", "data;task", "column 'dataset' is missing"),
    ],
)
def test_mistakes_of_the_original_are_named_and_write_nothing(
    old: str, new: str, says: str, theirs: Path, workspace: Path
) -> None:
    path = theirs / "user_config.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    bench = bench_of(workspace)
    with pytest.raises(ExchangeError) as raised:
        run_importer(bench, bench.plugins.importers["original"], path, {}, None)
    assert says in str(raised.value)


def test_entries_are_written_all_or_none(workspace: Path) -> None:
    before = sorted((workspace / "registries").rglob("*"))
    workspace_of = bench_of(workspace).workspace
    good = NewEntry(kind="models", name="new", data={"plugin": "imported"})
    bad = NewEntry(kind="benchmarks", name="bad", data={"models": ["new"], "datasets": ["nowhere"]})
    with pytest.raises(Exception, match="nowhere"):
        write_entries(workspace_of, ImportedEntries(entries=(good, bad)))
    with pytest.raises(ExchangeError, match="would lie outside of the workspace"):
        write_entries(workspace_of, ImportedEntries(entries=(good,), files={"../x": b""}))
    other = NewEntry(kind="models", name="echo", data={"plugin": "imported"})
    with pytest.raises(ExchangeError, match=r"something else is there already: .*echo\.yaml"):
        write_entries(workspace_of, ImportedEntries(entries=(good, other)))
    assert sorted((workspace / "registries").rglob("*")) == before
