"""What leaves this machine: what the host put there for this run, and nothing that a worker left or linked."""

from pathlib import Path

import pytest

from vlmbench_runpod.upload import work_files
from vlmbench_sdk import Launch, Request
from vlmbench_sdk.job import JOB, JOURNAL, PIPES, REQUESTS, RESULT


def sent(launch: Launch) -> dict[str, bytes]:
    files = ((str(path), content) for path, content in work_files(launch))
    return {path: content if isinstance(content, bytes) else content.read_bytes() for path, content in files}


def test_only_the_hosts_own_files_and_the_pictures_that_are_asked_about_leave(tmp_path: Path) -> None:
    private, work, data = tmp_path / "private", tmp_path / "work", tmp_path / "data"
    for folder in (private, work / PIPES, data):
        folder.mkdir(parents=True)
    (private / "key").write_text("mine", encoding="utf-8")
    asked = Request(sample_id="s", images=(str(data / "page.png"),), prompt="p")
    (work / JOB).write_text("{}", encoding="utf-8")
    (work / REQUESTS).write_text(asked.model_dump_json() + "\n", encoding="utf-8")
    (work / PIPES / "context.json").write_text("{}", encoding="utf-8")
    for name in (JOURNAL, RESULT, "left", f"{PIPES}/messages.jsonl"):
        (work / name).write_text("mine", encoding="utf-8")
    (work / "link").symlink_to(private / "key")
    (work / "folder").symlink_to(private)
    for name in ("page.png", "other.png"):
        (data / name).write_bytes(b"picture")
    found = sent(Launch(("-c", ""), work, tmp_path / "log", readable=(data,)))
    own = {str(work / name) for name in (JOB, REQUESTS, f"{PIPES}/context.json")}
    assert {path for path in found if path.startswith(str(tmp_path))} == own | {str(data / "page.png")}
    assert b"mine" not in found.values()
    (work / JOB).unlink()
    (work / JOB).symlink_to(private / "key")
    with pytest.raises(OSError, match=JOB):
        sent(Launch(("-c", ""), work, tmp_path / "log"))
