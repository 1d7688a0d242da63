"""What shipped entries send is what it was; a change of it is seen in review."""

from pathlib import Path

from tests.golden_prompts import GOLDEN, golden, shipped
from tests.support import Run, write_yaml


def test_what_shipped_entries_send_is_written_down() -> None:
    wanted = GOLDEN.read_text(encoding="utf-8")
    assert golden() == wanted, "if this is meant: python -m tests.golden_prompts"


def test_entries_with_weights_of_the_hub_are_unpinned_and_abstract() -> None:
    for name, entry in shipped().items():
        assert entry.abstract, name
        assert not entry.revision, name
        assert entry.generation.temperature == 0, name


def test_a_missing_revision_is_told_before_anything_is_asked(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/mine", "extends: qwen2.5-vl-3b\n")
    for command in (("check",), ("plan",), ("run", "--model", "mine", "--dataset", "tiny")):
        done = vlmbench(*command)
        assert done.returncode == 1
        assert "models/mine.yaml" in done.stdout + done.stderr
        assert "key `revision`: revision is required: Qwen/Qwen2.5-VL-3B-Instruct" in done.stdout + done.stderr
    write_yaml(workspace, "models/mine", "extends: qwen2.5-vl-3b\nrevision: main\n")
    assert "'main' is not a commit" in vlmbench("check", check=1).stdout
    write_yaml(workspace, "models/mine", f"extends: qwen2.5-vl-3b\nrevision: {'0a' * 20}\noptions: {{adapter: a/b}}\n")
    assert "adapter_revision is required" in vlmbench("check", check=1).stdout
    write_yaml(workspace, "models/mine", f"extends: qwen2.5-vl-3b\nrevision: {'0a' * 20}\n")
    vlmbench("check", check=0)
