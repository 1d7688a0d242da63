"""The page about endpoints: its files, its mock, its commands; the worker runs in the environment that is shipped."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.docs.test_docs_how_to import write_files
from tests.support import REPOSITORY, Run

PAGE = REPOSITORY / "docs/how-to/ask_an_endpoint.md"
PORT = "8399"


def test_the_page_runs(vlmbench: Run, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    vlmbench("init", "mine", cwd=tmp_path, check=0)
    (_, *mock), *commands = write_files(PAGE, root)
    assert mock[0] == "mock-endpoint"
    mock[mock.index(PORT)] = "0"
    command = [sys.executable, "-u", "-m", "vlmbench_assets.cli", *mock]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[3]
            entry = root / "registries/models/asked.yaml"
            text = entry.read_text(encoding="utf-8")
            entry.write_text(text.replace(f"http://127.0.0.1:{PORT}/v1", url), encoding="utf-8")
            output = "".join(vlmbench(*arguments, cwd=root).stdout for _, *arguments in commands)
            with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=10) as answer:  # noqa: S310
                seen = json.load(answer)
        finally:
            process.terminate()
    assert "exact_match" in output
    assert "refused" in output
    assert seen["answered"] == 2
    manifest = json.loads((root / "data/answers/asked/receipts/manifest.json").read_text(encoding="utf-8"))
    environment = manifest["facts"]["environment"]
    assert environment["kind"] == "venv"
    assert environment["packages"]["aiohttp"] == "3.14.5"
    assert "dagster" not in environment["packages"]
