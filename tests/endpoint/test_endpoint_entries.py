"""The entries that are shipped fit their plugin, and take a model's name and nothing else."""

from pathlib import Path

import yaml

from tests.cells import bench_of
from tests.support import REPOSITORY, Run, write_yaml

SHIPPED = REPOSITORY / "plugins/vlmbench-openai/vlmbench_openai/registries/models"


def test_each_shipped_entry_is_extended_by_a_name(workspace: Path, vlmbench: Run) -> None:
    names = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
    assert len(names) >= 7
    for name in names:
        address = ", base_url: 'http://127.0.0.1:1/v1'" if name == "openai-compatible" else ""
        write_yaml(workspace, f"models/my-{name}", f"extends: {name}\noptions: {{model: vendor/model{address}}}\n")
    vlmbench("check", check=0)
    models = bench_of(workspace).catalog.models
    assert all(models[f"my-{name}"].plugin == "openai" for name in names)
    assert all(models[f"my-{name}"].generation.temperature == 0 for name in names)


def test_no_shipped_entry_holds_a_key() -> None:
    for path in SHIPPED.glob("*.yaml"):
        key = yaml.safe_load(path.read_text(encoding="utf-8")).get("options", {}).get("api_key", "${ENV:X}")
        assert key.startswith("${ENV:"), path
