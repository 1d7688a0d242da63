"""Writing the site: whole or not at all, the same for the same data, and never over what is not a site."""

import json
import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest
from PIL import Image

from tests.cells import bench_of
from tests.site.made import write_site_workspace
from vlmbench_assets.bench import Bench
from vlmbench_assets.lineage import digest_bytes, digest_file
from vlmbench_assets.site import scripts, write
from vlmbench_assets.site.pictures import NAME, Images, Pictures
from vlmbench_assets.site.write import MARKER, Written, write_site
from vlmbench_sdk import WorkspaceError


def written(bench: Bench, out: Path, images: Images = "small") -> Written:
    return write_site(bench, out, images, lambda _: None)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def bench(root: Path) -> Bench:
    return bench_of(root)


def test_the_same_data_gives_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    first = written(bench, tmp_path / "a")
    assert (first.pictures_made, first.pictures_kept, first.pictures_lost) == (9, 0, 0)
    # Another catalog object, as another process would have.
    again = written(bench_of(bench.workspace.root), tmp_path / "b")
    assert again == first
    before = content(tmp_path / "a")
    assert content(tmp_path / "b") == before
    # What the earlier site has is taken over from there.
    pairs = tmp_path / "a/data/datasets/receipts/pairs.js"
    pairs.write_bytes(pairs.read_bytes() + b"//")
    assert written(bench, tmp_path / "a").pictures_kept == 9
    assert pairs.read_bytes().endswith(b"//")
    pairs.unlink()
    written(bench, tmp_path / "a")
    assert content(tmp_path / "a") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert b"://" not in before["index.html"]
    # With other pictures, none of the earlier ones is taken.
    assert written(bench, tmp_path / "a", "full").pictures_made == 9
    marker = json.loads((tmp_path / "a" / MARKER).read_text(encoding="utf-8"))
    assert marker["pictures"].startswith("webp 2400 ")
    assert written(bench, tmp_path / "a", "none").pictures_made == 0
    assert not (tmp_path / "a" / "images").exists()


def test_another_style_for_the_same_data_is_another_version(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(bench, tmp_path / "a", "none")
    monkeypatch.setattr(write, "style", lambda: "body { color: red; }")
    written(bench, tmp_path / "b", "none")
    data = [{name: value for name, value in content(tmp_path / site).items() if "data/" in name} for site in "ab"]
    assert data[0] == data[1]
    assert content(tmp_path / "a")["index.html"] != content(tmp_path / "b")["index.html"]


def test_what_is_no_site_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    written(bench, mine, "none")
    (mine / "CNAME").write_text("example.org", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="this site holds CNAME, which would be lost"):
        written(bench, mine, "none")
    (mine / MARKER).unlink()
    with pytest.raises(WorkspaceError, match="not a site of vlmbench"):
        written(bench, mine, "none")
    assert (mine / "CNAME").read_text(encoding="utf-8") == "example.org"
    root = bench.workspace.root
    for place in (root, root.parent, root / "data", root / "data/answers/new", mine / "CNAME"):
        with pytest.raises(WorkspaceError, match="cannot stand here"):
            written(bench, place, "none")


def test_a_site_that_fails_half_way_leaves_the_old_one(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    written(bench, out, "none")
    before = content(out)

    def full(name: str, value: object) -> bytes:
        if name == "datasets/receipts/board":
            raise OSError(28, "No space left on device")
        return real(name, value)  # type: ignore[arg-type]

    real = scripts.script
    monkeypatch.setattr(write, "script", full)
    with pytest.raises(WorkspaceError, match="No space left on device"):
        written(bench, out, "none")
    assert content(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def _killed_in_the_middle(root: Path, out: Path) -> None:
    write_site(bench_of(root), out, "none", lambda _: os.kill(os.getpid(), signal.SIGKILL))


def test_what_a_killed_writer_left_goes_with_the_next_one_and_a_living_ones_work_stays(
    bench: Bench, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    writer = get_context("forkserver").Process(target=_killed_in_the_middle, args=(bench.workspace.root, out))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    # What is only named alike is somebody's own.
    (tmp_path / ".site.backup").mkdir()
    with write._workplace(out) as other:
        written(bench, out, "none")
        assert sorted(tmp_path.iterdir()) == sorted([tmp_path / ".site.backup", other, out])
    assert not left.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.backup", "site"]


def test_a_picture_that_is_not_what_was_asked_is_not_shown(bench: Bench, tmp_path: Path) -> None:
    source = bench.workspace.root / "source"
    digests = {name: digest_file(source / name) for name in ("0.png", "1.png")}

    def made(out: str, earlier: Path | None, *asked: tuple[str, str]) -> tuple[int, int, list[str]]:
        (tmp_path / out).mkdir()
        pictures = Pictures(tmp_path / out, "small", earlier)
        for name, digest in asked:
            pictures.add(source, name, digest)
        return pictures.make(lambda _: None)

    right, changed = ("0.png", digests["0.png"]), ("2.png", digests["1.png"])
    gone, outside, text = ("9.png", "9" * 64), ("../source/1.png", digests["1.png"]), ("samples.jsonl", "")
    asked = [right, changed, gone, text]
    assert made("a", None, *asked) == (1, 0, sorted(name for each in asked[1:] if (name := _name(each[1]))))
    with Image.open(tmp_path / "a/images" / f"{_name(digests['0.png'])}.webp") as picture:
        assert (picture.format, picture.size) == ("WEBP", (720, 960))
    # One that a site has from before stays, whatever became of the file: it is known by its digest.
    assert made("b", tmp_path / "a/images", ("9.png", digests["0.png"])) == (0, 1, [])
    assert made("c", None, outside) == (0, 0, [])


def test_what_a_camera_wrote_is_left_out(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    Image.new("RGB", (40, 60), "white").save(photo, exif=exif, icc_profile=b"a profile", comment=b"a comment")
    pictures = Pictures(tmp_path, "full", None)
    name = pictures.add(tmp_path, photo.name, digest_file(photo))
    assert pictures.make(lambda _: None) == (1, 0, [])
    for file in (f"{name}.webp", f"{name}.s.webp"):
        content = (tmp_path / "images" / file).read_bytes()
        assert not any(part in content for part in (b"EXIF", b"a maker", b"a profile", b"a comment"))


def _name(digest: str) -> str:
    return (digest or digest_bytes(b""))[:NAME]


def test_a_workspace_without_results_has_no_site(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    write_site_workspace(root)
    with pytest.raises(WorkspaceError, match="there are no results to show"):
        written(bench_of(root), tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]
