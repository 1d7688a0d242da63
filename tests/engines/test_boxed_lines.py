"""How a distribution of the host gets into a box: by version, or from its source, whose edits make another box."""

import json
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from vlmbench_assets.environments.lines import line_of
from vlmbench_sdk import EnvironmentUnavailableError


def installed(folder: Path, origin: str | None) -> Distribution:
    """What importlib finds of a distribution that was installed from somewhere."""
    facts = folder / "mine-1.0.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n", encoding="utf-8")
    if origin is not None:
        url = {"url": origin, "dir_info": {"editable": True}}
        (facts / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")
    return Distribution.at(facts)


def test_an_index_or_a_repository_is_named_as_it_was(tmp_path: Path) -> None:
    assert line_of(installed(tmp_path / "a", None)).seen_in(tmp_path, "/in") == "mine==1.0"
    there = "https://example.org/mine-1.0-py3-none-any.whl"
    assert line_of(installed(tmp_path / "b", there)).seen_in(tmp_path, "/in") == f"mine @ {there}"


def test_a_source_folder_is_copied_without_what_tools_leave(tmp_path: Path) -> None:
    source, copied = tmp_path / "a source", tmp_path / "copied"
    for name in (
        "pyproject.toml",
        "mine/code.py",
        "mine/__pycache__/code.pyc",
        ".git/HEAD",
        "build/x",
        "env/pyvenv.cfg",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("1", encoding="utf-8")
    found = installed(tmp_path / "site", source.as_uri())
    line = line_of(found)
    assert line.seen_in(copied, "/in") == "mine @ file:///in/mine"
    files = [str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()]
    assert sorted(files) == ["mine/mine/code.py", "mine/pyproject.toml"]
    (source / "mine/__pycache__/code.pyc").write_text("2", encoding="utf-8")
    assert line_of(found).key == line.key
    (source / "mine/code.py").write_text("2", encoding="utf-8")
    assert line_of(found).key != line.key


def test_a_wheel_is_known_by_its_bytes(tmp_path: Path) -> None:
    wheel, copied = tmp_path / "mine-1.0-py3-none-any.whl", tmp_path / "copied"
    wheel.write_bytes(b"1")
    copied.mkdir()
    found = installed(tmp_path / "site", wheel.as_uri())
    line = line_of(found)
    assert line.seen_in(copied, "/in") == f"mine @ file:///in/{wheel.name}"
    wheel.write_bytes(b"2")
    assert line_of(found).key != line.key
    wheel.unlink()
    with pytest.raises(EnvironmentUnavailableError, match="what it was installed from is gone"):
        line_of(found)


def test_a_repository_is_named_with_its_commit(tmp_path: Path) -> None:
    there = installed(tmp_path, "https://example.org/mine.git")
    facts = json.loads(there.read_text("direct_url.json") or "")
    facts["vcs_info"] = {"vcs": "git", "commit_id": "abc"}
    (tmp_path / "mine-1.0.dist-info/direct_url.json").write_text(json.dumps(facts), encoding="utf-8")
    assert line_of(there).text == "mine @ git+https://example.org/mine.git@abc"
