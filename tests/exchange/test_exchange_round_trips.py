"""What is exported comes back as it was, whatever the texts; and what is written opens as it should."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tests.cells import answer, bench_of, score
from tests.exchange.files import vlmevalkit
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.exported import export, exportable
from vlmbench_assets.make.imported import Import, import_answers
from vlmbench_sdk import ExchangeError

FORMATS = {
    "vlmevalkit-tsv": ("vlmevalkit", {"file": "tsv"}, "{model}_tiny.tsv"),
    "vlmevalkit-xlsx": ("vlmevalkit", {"file": "xlsx"}, "{model}_tiny.xlsx"),
    "lmms_eval": ("lmms_eval", {}, "{model}/samples_tiny.jsonl"),
    "evalscope": ("evalscope", {}, "predictions/{model}/tiny_default.jsonl"),
    "inspect_ai": ("inspect_ai", {}, "{model}_tiny.json"),
}
HOSTILE = [
    "=cmd()",
    "+1",
    "@x",
    'a"b',
    "'",
    "a\tb\nc",
    "\r\n",
    "\u2028",
    "ё" * 40,
    "_x0041_",
    "_x005F_x0041_",
    "\ud800",
]
KEPT = (
    *("sample_id", "status", "answer", "finish_reason", "error", "attempts", "latency_ms", "ttft_ms"),
    *("input_tokens", "output_tokens", "prompt_sha256", "answered_at"),
)
"""All columns of answers but `sample_digest`, which names the file that a row came from."""


def table(root: Path, model: str) -> list[dict[str, str]]:
    with Path(root, "data/answers", model, "tiny/answers.csv").open(encoding="utf-8", newline="") as file:
        return [{name: row[name] for name in KEPT} for row in csv.DictReader(file)]


def exported(root: Path, name: str, model: str, out: Path, options: dict[str, str] | None = None) -> Path:
    bench = bench_of(root)
    export(bench, bench.plugins.exporters[name], dict(options or {}), exportable(bench, [model], []), out)
    return out


def imported(root: Path, name: str, file: Path, model: str) -> None:
    bench = bench_of(root)
    import_answers(bench, Import(bench.plugins.importers[name], {}, file, Cell(model=model, dataset="tiny")))


def echo(root: Path, answers: list[str], **statuses: str) -> None:
    """Answer as told, through the real worker."""
    said = {f"s{number}": text for number, text in enumerate(answers)}
    options = json.dumps({"answers": said, "statuses": statuses})
    write_yaml(root, "models/echo", f"plugin: echo\noptions: {options}\n")
    answer(root, "echo", "tiny")


@pytest.mark.parametrize("kind", FORMATS)
def test_export_import_export_is_the_same_bytes(kind: str, workspace: Path, tmp_path: Path) -> None:
    name, options, path = FORMATS[kind]
    echo(workspace, ["=cmd()\r\n\t", "и \"ё'\u2028", "", "cut"], s3="truncated", s2="refused")
    first = exported(workspace, name, "echo", tmp_path / "one", options) / path.format(model="echo")
    imported(workspace, name, first, "back")
    assert table(workspace, "back") == table(workspace, "echo")
    second = exported(workspace, name, "back", tmp_path / "two", options) / path.format(model="back")
    # A log of Inspect has a time of its own, and those of some name the model.
    if kind != "inspect_ai":
        assert second.read_bytes() == first.read_bytes().replace(b'"model": "echo"', b'"model": "back"')
    imported(workspace, name, second, "again")
    assert table(workspace, "again") == table(workspace, "echo")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_sample_without_an_answer_comes_back_as_one(kind: str, workspace: Path, tmp_path: Path) -> None:
    name, options, path = FORMATS[kind]
    imported(workspace, "vlmevalkit", vlmevalkit(tmp_path, {"s0": "f0", "s2": "x"}), "theirs")
    assert [row["status"] for row in table(workspace, "theirs")] == ["ok", "error", "ok", "error"]
    out = exported(workspace, name, "theirs", tmp_path / "out", options)
    imported(workspace, name, out / path.format(model="theirs"), "back")
    assert table(workspace, "back") == table(workspace, "theirs")


TEXTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60)), min_size=4, max_size=4)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("texts") / "workspace"
    write_yaml(root, "datasets/tiny", "reader: jsonl\nsource: source\n")
    write_source(root, 4)
    return root


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS)
def test_any_text_comes_back(kind: str, texts: list[str], root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    name, options, path = FORMATS[kind]
    folder = tmp_path_factory.mktemp("round")
    log = folder / "samples_tiny.jsonl"
    # JSON takes anything, so it is the way in; halves of pairs become U+FFFD, as from a model.
    lines = [
        json.dumps({"doc_id": n, "filtered_resps": text, "input": f"What is f{n % 2}?"}) for n, text in enumerate(texts)
    ]
    log.write_text("\n".join(lines), encoding="utf-8")
    imported(root, "lmms_eval", log, "in")
    want = table(root, "in")
    clean = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert [row["answer"] for row in want] == clean
    nul = any("\0" in text for text in texts)
    if nul and name == "vlmevalkit":
        with pytest.raises(ExchangeError, match=r"NUL .*Export as lmms_eval"):
            exported(root, name, "in", folder / "out", options)
        assert not (folder / "out").exists()
        return
    imported(root, name, exported(root, name, "in", folder / "out", options) / path.format(model="in"), "back")
    assert table(root, "back") == want


def test_a_spreadsheet_refuses_what_it_would_cut(workspace: Path, tmp_path: Path) -> None:
    echo(workspace, ["a" * 32_767, "b", "c", "d"])
    with pytest.raises(ExchangeError, match=r"row 2, column F has 32767 characters.*Export with `--option file=tsv`"):
        exported(workspace, "vlmevalkit", "echo", tmp_path / "out", {"file": "xlsx"})
    assert not (tmp_path / "out").exists()
    assert (exported(workspace, "vlmevalkit", "echo", tmp_path / "out", {"file": "tsv"}) / "echo_tiny.tsv").exists()


def test_a_text_with_nul_is_sent_to_a_format_that_takes_it(workspace: Path, tmp_path: Path) -> None:
    echo(workspace, ["a\0b", "b", "c", "d"])
    with pytest.raises(ExchangeError, match=r"holds a NUL character.*Export as lmms_eval, evalscope or inspect_ai"):
        exported(workspace, "vlmevalkit", "echo", tmp_path / "out", {})
    assert exported(workspace, "lmms_eval", "echo", tmp_path / "out", {}).exists()


@pytest.mark.parametrize("place", ["page.png/below", "page.png/below/deeper", "a" * 300])
def test_a_place_that_cannot_be_written_is_named(place: str, workspace: Path) -> None:
    echo(workspace, ["a", "b", "c", "d"])
    with pytest.raises(ExchangeError, match=r"it cannot be written \(.*Name a folder"):
        exported(workspace, "lmms_eval", "echo", workspace / "source" / place)


def test_sqlite_holds_every_table_and_the_images(workspace: Path, tmp_path: Path) -> None:
    echo(workspace, ["f0", "=cmd()", "x\0y", "f1"])
    score(workspace, "echo", "tiny")
    out = exported(workspace, "sqlite", "echo", tmp_path / "out")
    with closing(sqlite3.connect(out / "vlmbench.db")) as database:
        database.row_factory = sqlite3.Row
        answers = database.execute("SELECT * FROM answers ORDER BY sample_id").fetchall()
        assert [row["answer"] for row in answers] == ["f0", "=cmd()", "x\0y", "f1"]
        assert [row["input_tokens"] for row in answers] == [None] * 4
        assert database.execute("SELECT sum(value) FROM metrics WHERE metric = 'exact_match'").fetchone()[0] == 2
        assert database.execute("SELECT count(*) FROM aggregates").fetchone()[0] > 0
        (image,) = database.execute("SELECT * FROM images").fetchall()
        assert (image["path"], image["mime"]) == ("page.png", "image/png")
        assert image["data"] == (workspace / "source/page.png").read_bytes()
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    import yaml

    metadata = yaml.safe_load((out / "metadata.yaml").read_text(encoding="utf-8"))
    assert set(metadata["databases"]["vlmbench"]["tables"]) >= {"samples", "answers", "metrics", "aggregates"}
    assert yaml.safe_load((out / "datasette.yaml").read_text(encoding="utf-8"))["settings"]
    paths = exported(workspace, "sqlite", "echo", tmp_path / "paths", {"images": "paths"})
    with closing(sqlite3.connect(paths / "vlmbench.db")) as database:
        path, data = database.execute("SELECT path, data FROM images").fetchone()
        assert (path, data) == (str(workspace / "source/page.png"), None)


def test_parquet_and_hugging_face_hold_the_same_tables(workspace: Path, tmp_path: Path) -> None:
    echo(workspace, ["f0", "0044", "", "f1"])
    score(workspace, "echo", "tiny")
    out = exported(workspace, "parquet", "echo", tmp_path / "out")
    answers = parquet.read_table(out / "answers.parquet").to_pylist()
    assert [row["answer"] for row in answers] == ["f0", "0044", "", "f1"]
    assert {type(row["attempts"]) for row in answers} == {int}
    assert answers[0]["input_tokens"] is None
    samples = parquet.read_table(out / "samples.parquet").to_pylist()
    assert samples[0]["references"] == ["f0"]
    hub = exported(workspace, "huggingface", "echo", tmp_path / "hub")
    assert parquet.read_table(hub / "results/answers.parquet").to_pylist() == answers
    with_pictures = parquet.read_table(hub / "samples/tiny.parquet")
    picture = {"bytes": (workspace / "source/page.png").read_bytes(), "path": "page.png"}
    assert with_pictures.column("pictures").to_pylist() == [[picture]] * 4
    features = json.loads(with_pictures.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["pictures"] == {"feature": {"_type": "Image"}, "_type": "List"}
    import yaml

    card = (hub / "README.md").read_text(encoding="utf-8")
    configs = yaml.safe_load(card.split("---")[1])["configs"]
    files = [each["data_files"][0]["path"] for each in configs]
    assert files
    assert all((hub / each).is_file() for each in files)


def test_an_image_outside_of_its_dataset_is_not_exported(workspace: Path, tmp_path: Path) -> None:
    echo(workspace, ["f0", "f1", "x", "y"])
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (workspace / "source/page.png").unlink()
    (workspace / "source/page.png").symlink_to(secret)
    with pytest.raises(ExchangeError, match="not a file inside of its dataset's folder"):
        exported(workspace, "sqlite", "echo", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_never_overwritten(workspace: Path, tmp_path: Path, vlmbench: Run) -> None:
    file = vlmevalkit(tmp_path, {f"s{number}": "x" for number in range(4)})
    vlmbench("import", "vlmevalkit", str(file), "--model", "theirs", "--dataset", "tiny", check=0)
    assert (workspace / "registries/models/theirs.yaml").exists()
    done = vlmbench("export", "vlmevalkit", str(tmp_path / "out"), check=0)
    assert "theirs × tiny is missing (not all of it was made); exported as it is" in done.stderr
    with pytest.raises(ExchangeError, match="it is there already"):
        exported(workspace, "vlmevalkit", "theirs", tmp_path / "out")
    with pytest.raises(ExchangeError, match="Its options are: file"):
        exported(workspace, "vlmevalkit", "theirs", tmp_path / "other", {"fil": "xlsx"})
    with pytest.raises(ExchangeError, match="no cell that was named has answers"):
        exported(workspace, "vlmevalkit", "echo", tmp_path / "other")
