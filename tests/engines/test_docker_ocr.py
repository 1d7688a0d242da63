"""An OCR engine in a container, its image made from our own Dockerfile, reads receipts from life."""

import json
import shutil
from pathlib import Path

import pytest

from tests.engines.support import IMAGE
from tests.support import REPOSITORY, Run, write_yaml

RECEIPTS = REPOSITORY.parent / "shared/data/sroie"
"""80 receipts (SROIE, ICDAR 2019); beside the project, never in it."""
TAKEN = 3

pytestmark = pytest.mark.engine("docker")


def copy_receipts(workspace: Path) -> None:
    for folder in ("img", "key", "box"):
        files = sorted((RECEIPTS / folder).iterdir())[:TAKEN]
        for path in files:
            target = workspace / "receipts" / folder / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    write_yaml(workspace, "datasets/receipts", "reader: sroie\nsource: receipts\n")


@pytest.mark.skipif(not RECEIPTS.exists(), reason=f"no receipts in {RECEIPTS}")
def test_tesseract_reads_real_receipts_in_a_box(workspace: Path, vlmbench: Run) -> None:
    copy_receipts(workspace)
    shutil.copytree(REPOSITORY / "docker/cpu", workspace / "docker/cpu")
    write_yaml(
        workspace,
        "environments/ocr-box",
        "kind: docker\noptions:\n  image: vlmbench/cpu:1\n  dockerfile: docker/cpu/Dockerfile\n"
        "  requirements: [pillow==13.0.0]\n  pids: 64\n  memory: 2g\n",
    )
    write_yaml(workspace, "models/boxed", "plugin: tesseract\nenvironment: ocr-box\noptions: {languages: eng}\n")
    write_yaml(workspace, "benchmarks/b", "models: [boxed]\ndatasets: [receipts]\nmetrics: [anls]\n")
    said = vlmbench("env", "build", "ocr-box", "--arg", f"BASE_IMAGE={IMAGE}", check=0).stdout
    assert "ready for vlmbench-ocr" in said
    found = json.loads(vlmbench("doctor", "--json").stdout)
    assert [each["ok"] for each in found if each["environment"] == "ocr-box"] == [True, True]
    vlmbench("run", "--benchmark", "b", check=0)
    (row,) = json.loads(vlmbench("leaderboard", "receipts", "--json", check=0).stdout)["receipts"]
    assert row["coverage"] == 1.0
    assert row["anls"] > 0.2
    manifest = json.loads((workspace / "data/answers/boxed/receipts/manifest.json").read_bytes())
    assert manifest["facts"]["usage"]["memory_peak_mib"] > 10
    assert manifest["facts"]["environment"]["packages"]["pillow"] == "13.0.0"
