"""`vlmbench explore`: Datasette in a real browser on a real workspace."""

import hashlib
import io
import json
import os
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.cells import bench_of, make_everything
from tests.support import free_port, served, write_source, write_yaml
from tests.test_ui import FLAGS
from vlmbench_assets.cli.explore import explore
from vlmbench_assets.exploring import explorable
from vlmbench_sdk import PluginError


@pytest.fixture
def results(workspace: Path) -> Path:
    """Two models on one dataset with a picture; one answers with markup."""
    write_yaml(workspace, "models/other", "plugin: echo\noptions: {answer: '<b id=mark>{field}</b>'}\n")
    write_yaml(
        workspace,
        "benchmarks/b",
        "models: [echo, other]\ndatasets: [tiny]\nmetrics: [exact_match]\ndimensions: [field]\n",
    )
    picture = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(picture, "PNG")
    (workspace / "source/page.png").write_bytes(picture.getvalue())
    make_everything(workspace)
    return workspace


@pytest.fixture
def explored(results: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "vlmbench_assets.cli", "explore", "--workspace", str(results), "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with served(command, f"{address}/-/versions.json", results, dict(os.environ)):
        yield address


@pytest.mark.engine("chromium")
def test_queries_pictures_and_samples_are_seen_in_a_browser(explored: str, results: Path) -> None:
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{explored}/vlmbench")
        page.get_by_role("link", name="Worst samples").first.click()
        page.get_by_label("model").fill("other")
        page.get_by_role("button", name="Run SQL").click()
        expect(page.locator("td.col-model").first).to_have_text("other")
        expect(page.locator("td.col-answer").first).to_contain_text("<b id=mark>")
        expect(page.locator("#mark")).to_have_count(0)
        picture = page.get_by_role("img", name="first page of sample").first
        picture.scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('td.col-image img').naturalWidth === 40")
        page.get_by_role("link", name="s0", exact=True).click()
        expect(page.locator("td.col-model")).to_have_text(["echo", "other"])
        page.goto(f"{explored}/vlmbench/models_side_by_side?field=f0")
        expect(page.locator("td.col-echo")).to_have_text(["✓ f0", "✗ f0"])
        page.goto(f"{explored}/vlmbench/aggregates")
        expect(page.get_by_text("failures_worst").first).to_be_visible()
        browser.close()
    assert errors == []
    _every_query_runs(explored)
    _nothing_is_written_and_nothing_else_is_served(explored, results)


def _every_query_runs(explored: str) -> None:
    listed = json.loads(_read(f"{explored}/-/metadata.json"))["databases"]["vlmbench"]["queries"]
    rows = {name: json.loads(_read(f"{explored}/vlmbench/{name}.json?_shape=array")) for name in listed}
    assert [(row["model"], row["value"]) for row in rows["leaderboard"]] == [("echo", 0.75), ("other", 0.0)]
    assert {(row["right_model"], row["wrong_model"]) for row in rows["disagreements"]} == {("echo", "other")}
    assert len(rows["disagreements"]) == 3
    by_field = {(row["model"], row["field"]): (row["samples"], row["correct"]) for row in rows["errors_by_field"]}
    assert by_field == {
        ("echo", "f0"): (2, 1),
        ("echo", "f1"): (2, 2),
        ("other", "f0"): (2, 0),
        ("other", "f1"): (2, 0),
    }
    assert len(rows["slowest"]) == 8
    assert rows["failures"] == []
    grouped = json.loads(_read(f"{explored}/vlmbench/scores_by_group.json?_shape=array&dimension=field"))
    assert len(grouped) == 4


def _nothing_is_written_and_nothing_else_is_served(explored: str, results: Path) -> None:
    sql = urllib.parse.quote("delete from answers")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        _read(f"{explored}/vlmbench.json?sql={sql}")
    picture = results / "source/page.png"
    digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    assert _read(f"{explored}/-/vlmbench/images/{digest}") == picture.read_bytes()
    picture.write_bytes(b"something else")
    for name in (digest, "0" * 64):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            _read(f"{explored}/-/vlmbench/images/{name}")


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as found:  # noqa: S310
        content: bytes = found.read()
        return content


def test_the_export_is_made_anew_only_where_something_changed(results: Path) -> None:
    first, made = explorable(bench_of(results))
    assert made
    assert explorable(bench_of(results)) == (first, False)
    write_source(results, 6)
    make_everything(results)
    second, made = explorable(bench_of(results))
    assert made
    assert sorted(path.name for path in first.parent.iterdir() if path.is_dir()) == [second.name]


def test_without_datasette_it_says_what_to_install(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasette", None)
    with pytest.raises(PluginError, match=r"pip install 'vlmbench-assets\[explore\]'"):
        CliRunner().invoke(explore, ["--workspace", str(workspace)], catch_exceptions=False)
