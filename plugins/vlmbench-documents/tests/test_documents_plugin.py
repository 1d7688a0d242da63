"""The plugin as the host sees it."""

import subprocess
import sys
from pathlib import Path

import yaml

from vlmbench_documents.options import CONDITIONS, SyntheticOptions
from vlmbench_documents.plugin import vlmbench_registries
from vlmbench_sdk import DatasetEntry
from vlmbench_sdk.plugin_specs import resolve
from vlmbench_sdk.plugins import load_plugins

READERS = {"annotation_csv", "questions_csv", "jsonl", "sroie", "cord", "synthetic"}


def test_the_readers_are_found_by_entry_point_and_can_be_imported() -> None:
    found = {
        name: spec
        for name, spec in load_plugins().dataset_readers.items()
        if spec.read.startswith("vlmbench_documents")
    }
    assert set(found) == READERS
    assert all(callable(resolve(spec.read, owner=name)) for name, spec in found.items())
    assert [name for name, spec in found.items() if not spec.needs_source] == ["synthetic"]


def test_the_hooks_import_nothing_heavy() -> None:
    program = "import sys, vlmbench_documents.plugin; print({'PIL', 'numpy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"


def test_the_generator_never_imports_matplotlib(tmp_path: Path) -> None:
    program = (
        "import sys; from vlmbench_documents.synthetic.drawing import font_folder\n"
        "print((font_folder() / 'DejaVuSans.ttf').is_file(), 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["True", "False"]


def test_the_shipped_entries_are_valid() -> None:
    (folder,) = vlmbench_registries()
    entries = {
        path.stem: DatasetEntry.model_validate(yaml.safe_load(path.read_text()))
        for path in (folder / "datasets").glob("*.yaml")
    }
    assert set(entries) == {"receipts-en", "receipts-ru"}
    for name, entry in entries.items():
        options = SyntheticOptions.model_validate(entry.options)
        assert (options.kinds, options.conditions) == (("receipt",), CONDITIONS)
        assert entry.language == options.language == name[-2:]
