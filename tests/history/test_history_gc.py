"""`vlmbench gc` throws away what is old, and nothing that is current, under way or not finished."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import Run, journal_of, write_source, write_yaml
from vlmbench_assets import prune as module
from vlmbench_assets.hold import cell_held, dataset_held
from vlmbench_assets.prune import prune
from vlmbench_assets.store import AssetName, Store


def answer(workspace: Path, said: str, more: str = "") -> None:
    write_yaml(workspace, "models/echo", f"plugin: echo\noptions: {{answer: '{said}'{more}}}\n")


def current(workspace: Path) -> dict[str, bytes]:
    """Every file of the current state: all but the history, the copies and the workers' folders."""
    data = workspace / "data"
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and not {"history", "objects", "work"} & set(path.relative_to(data).parts)
    }


def publish_samples(store: Store, dataset: str, version: str) -> Path:
    """A dataset whose reader made its images itself."""
    images = store.folder("samples", dataset) / "files" / version
    images.mkdir(parents=True)
    (images / "page.png").write_bytes(b"picture")
    publish(store, dataset, version)
    return images


def publish(store: Store, dataset: str, version: str) -> None:
    store.publish(
        "samples",
        dataset,
        files={"samples.csv": version.encode()},
        lineage={"source": version},
        digests={},
        facts={"images": f"files/{version}"},
    )


def test_the_newest_stay_and_can_be_compared(workspace: Path, vlmbench: Run) -> None:
    for said in ("{field}", "f1", "f0"):
        answer(workspace, said)
        vlmbench("run", check=0)
    before = current(workspace)
    freed = json.loads(vlmbench("gc", "--keep", "2", "--json", check=0).stdout)
    assert (freed["answers"], freed["skipped"], freed["busy"]) == (4, 0, False)
    assert current(workspace) == before
    vlmbench("plan", check=0)
    assert "echo × tiny #2 → echo × tiny #3" in vlmbench("diff", "echo", "tiny", check=0).stdout
    numbers = json.loads(vlmbench("diff", "echo", "tiny", "--list", "--json", check=0).stdout)
    assert [each["number"] for each in numbers] == [2, 3]
    # Of a state that is still in the history nothing is asked; of one that went, everything.
    answer(workspace, "f1")
    assert json.loads(vlmbench("plan", "--json", check=3).stdout)["cells"][0]["to_ask"] == 0
    answer(workspace, "{field}")
    assert json.loads(vlmbench("plan", "--json", check=3).stdout)["cells"][0]["to_ask"] == 4


def test_answers_of_a_run_that_is_not_finished_stay(workspace: Path, vlmbench: Run) -> None:
    write_source(workspace, 6)
    vlmbench("run", check=0)
    answer(workspace, "f1", ", batch_size: 1, exit_on: s3")
    vlmbench("run", check=1)
    journal = journal_of(workspace, "echo")
    lines = journal.read_bytes()
    assert len(lines.splitlines()) == 9
    vlmbench("gc", "--keep", "1", check=0)
    assert journal.read_bytes() == lines


def test_a_journal_is_left_alone_while_everything_is_asked_again(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    answer(workspace, "f1")
    vlmbench("run", check=0)
    (workspace / "data/answers/echo/tiny/again.json").write_text('{"journal_bytes": 0}')
    done = json.loads(vlmbench("gc", "--keep", "1", "--json", check=0).stdout)
    assert (done["answers"], done["skipped"]) == (0, 1)


def test_a_journal_is_left_alone_when_nobody_knows_what_a_table_shows(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    answer(workspace, "f1")
    vlmbench("run", check=0)
    store = Store(workspace / "data")
    manifest = store.manifest("answers", "tiny", "echo")
    assert manifest is not None
    store.objects.path(manifest.files["answers.csv"]).unlink()
    done = prune(store, 1, dry_run=False)
    assert (done.answers, done.skipped) == (0, 1)


def test_while_a_cell_runs_its_new_tables_stay(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    store = Store(workspace / "data")
    with cell_held(store, "answers", "tiny", "echo"):
        digest = store.objects.put(b"a table whose manifest is not written yet")
        said = vlmbench("gc", check=0).stdout
    assert store.objects.get(digest) is not None
    assert "something is running" in said
    assert prune(store, 1, dry_run=False).objects == 1
    assert store.objects.get(digest) is None


def test_images_of_old_samples_go_and_those_of_the_current_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = (publish_samples(store, "made", version) for version in ("one", "two"))
    assert prune(store, 2, dry_run=False).folders == 0
    assert prune(store, 1, dry_run=True).folders == 1
    assert old.exists()
    assert prune(store, 1, dry_run=False).folders == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_a_picture_that_is_drawn_no_more_does_not_stay_beside_the_page(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for files in ({"report.md": b"one", "errors.png": b"picture"}, {"report.md": b"two"}):
        store.publish("report", "made", "echo", files=files, lineage={}, digests={}, facts={})
    folder = store.folder("report", "made", "echo")
    assert sorted(path.name for path in folder.iterdir()) == ["history", "manifest.json", "report.md"]


def test_a_reader_that_is_at_work_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    publish_samples(store, "made", "one")
    made = store.folder("samples", "made") / "files" / "two"
    under_way = made.with_name(".two")
    under_way.mkdir()
    (under_way / "page.png").write_bytes(b"picture")

    @contextmanager
    def after_the_reader(store: Store, asset: AssetName, dataset: str) -> Iterator[None]:
        # What happens while gc waits for the lock that a reader holds.
        under_way.rename(made)
        publish(store, "made", "two")
        with dataset_held(store, asset, dataset):
            yield

    monkeypatch.setattr(module, "dataset_held", after_the_reader)
    prune(store, 1, dry_run=False)
    assert (made / "page.png").exists()


@pytest.mark.parametrize("dataset", ["history", "objects"])
def test_names_that_folders_have_too_are_nothing_special(tmp_path: Path, dataset: str) -> None:
    store = Store(tmp_path)
    publish_samples(store, dataset, "one")
    images = publish_samples(store, dataset, "two")
    (images / "history").mkdir()
    for name in ("1.json", "2.json"):
        (images / "history" / name).write_text("{}")
    (store.folder("samples", dataset) / "source.json").write_text("{}")
    prune(store, 1, dry_run=False)
    assert store.manifest("samples", dataset) is not None
    assert len(list((images / "history").iterdir())) == 2
    assert [path.name for path in store.history("samples", dataset)] == ["00002.json"]
