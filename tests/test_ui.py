"""The Dagster UI in a real browser: one cell is materialised by clicking, and its report is read there."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support import REPOSITORY, Run, write_yaml

START_S = 120
LAUNCHES = 4
LOOKS = 12
TRIES = 10
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def ui_of(workspace: Path) -> Iterator[Callable[[], str]]:
    """Start `vlmbench ui` on the echo workspace; returns its address."""
    for name in ("definitions.py", "workspace.yaml"):
        shutil.copy(REPOSITORY / name, workspace / name)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (workspace / "ui.log").open("wb") as log:
            command = [sys.executable, "-m", "vlmbench_assets.cli", "ui", "--workspace", str(workspace)]
            process = subprocess.Popen(
                [*command, "--port", str(port)], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        _wait_until_served(address, process, workspace / "ui.log")
        return address

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def ui(ui_of: Callable[[], str]) -> str:
    """The address of a UI that was just started."""
    return ui_of()


def _wait_until_served(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(START_S):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                continue
    pytest.fail(log.read_text(encoding="utf-8"))


@pytest.mark.engine("chromium")
def test_one_cell_is_materialised_and_read_in_the_browser(ui: str, workspace: Path) -> None:
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.on("pageerror", lambda error: errors.append(str(error)))
        for _ in range(LAUNCHES):
            page.goto(f"{ui}/locations/vlmbench/asset-groups/cells")
            if _launch_the_only_cell(page) and _report_is_there(page, ui):
                break
        _read_the_report(page)
        page.screenshot(path=str(workspace / "report.png"))
        page.goto(f"{ui}/assets/answers?view=checks")
        expect(page.get_by_text("contract").first).to_be_visible(timeout=30_000)
        page.goto(f"{ui}/assets/report?view=overview")
        for name in ("score", "coverage", "median_latency_ms"):
            expect(page.get_by_text(name, exact=True).first).to_be_visible(timeout=30_000)
        _backfill_a_job(page, workspace)
        browser.close()
    assert errors == []
    assert (workspace / "data/report/echo/tiny/report.md").exists()
    # The UI's runs and headless ones share one instance, which lies in the workspace.
    assert (workspace / ".dagster/history").is_dir()


def _launch_the_only_cell(page: Page) -> bool:
    page.get_by_role("button", name="Materialize all").first.click(timeout=60_000)
    # Dagster warns that `samples` was never made; a cell reads its dataset itself when nobody did.
    confirm = page.get_by_role("button", name="Confirm")
    confirm.or_(page.get_by_text("Select a partition or create one").first).first.wait_for()
    if confirm.is_visible():
        confirm.click()
    # Plugins bring models and datasets of their own; only the echo cell is wanted.
    if not all(_choose(page, name) for name in ("tiny", "echo")):
        return False
    launch = page.get_by_role("button", name="Launch 1 run").or_(page.get_by_role("button", name="Launch backfill"))
    launch.click()
    # The dialog goes away when the run was launched.
    with suppress(PlaywrightTimeout):
        page.get_by_text("Launch runs to materialize").wait_for(state="hidden", timeout=10_000)
    return True


def _choose(page: Page, partition: str) -> bool:
    """Choose one partition; the dialog draws itself anew while it loads, which closes an open list."""
    for _ in range(TRIES):
        page.get_by_text("Select a partition or create one").first.click()
        page.keyboard.type(partition)
        try:
            page.get_by_text("Select all (1)").click(timeout=3_000)
        except PlaywrightTimeout:
            continue
        page.get_by_text("Launch runs to materialize").click()
        return True
    return False


def _report_is_there(page: Page, ui: str) -> bool:
    """Wait for the report; False when nothing came of the launch, as when the dialog was drawn anew under the click."""
    for _ in range(LOOKS):
        page.goto(f"{ui}/assets/report?view=events")
        try:
            page.get_by_text("[Show Markdown]").first.wait_for(timeout=5_000)
        except PlaywrightTimeout:
            continue
        return True
    return False


def _read_the_report(page: Page) -> None:
    page.get_by_text("[Show Markdown]").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("exact_match 0.750")).to_be_visible()
    pictures = dialog.locator("img")
    expect(pictures).to_have_count(4)
    for picture in pictures.all():
        assert picture.evaluate("each => each.complete && each.naturalWidth") > 0


def _backfill_a_job(page: Page, workspace: Path) -> None:
    """Redraw one cell by a backfill, headless; the daemon of the UI launches it."""
    manifest = workspace / "data/report/echo/tiny/manifest.json"
    before = manifest.stat().st_mtime_ns
    command = [sys.executable, "-m", "dagster", "job", "backfill", "-w", str(workspace / "workspace.yaml")]
    subprocess.run(
        [*command, "-j", "redraw", "--partitions", "tiny|echo", "--noprompt"],
        env={**os.environ, "DAGSTER_HOME": str(workspace / ".dagster")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for _ in range(START_S):
        if manifest.stat().st_mtime_ns != before:
            return
        page.wait_for_timeout(1_000)
    pytest.fail((workspace / "ui.log").read_text(encoding="utf-8"))


@pytest.mark.engine("chromium")
def test_stale_cells_are_seen_and_run_in_the_browser(workspace: Path, vlmbench: Run, ui_of: Callable[[], str]) -> None:
    """Change a YAML, see which cells are stale and why, run them with one button, and find the others untouched."""
    write_yaml(workspace, "models/still", "plugin: echo\noptions: {answer: '{field}'}\n")
    write_yaml(workspace, "benchmarks/b", "models: [echo, still]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    vlmbench("run", check=0)
    untouched = (workspace / "data/answers/still/tiny/manifest.json").read_bytes()
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answer: 'changed {field}'}\n")
    ui = ui_of()
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.on("pageerror", lambda error: errors.append(str(error)))
        _execute_the_check(page, ui)
        expect(page.get_by_text("1 of 2 cells are fresh").first).to_be_visible()
        expect(page.get_by_text("option answer {field} → changed {field}").first).to_be_visible()
        expect(page.get_by_role("cell", name="still")).to_have_count(0)
        page.screenshot(path=str(workspace / "stale.png"))
        page.goto(f"{ui}/locations/vlmbench/jobs/refresh_stale/playground")
        page.get_by_role("button", name="Launch Run").click(timeout=60_000)
        page.get_by_text("RUN_SUCCESS").first.wait_for(timeout=120_000)
        page.screenshot(path=str(workspace / "refreshed.png"))
        page.goto(f"{ui}/assets/answers?view=checks&checkDetail=fresh")
        expect(page.get_by_text("2 of 2 cells are fresh").first).to_be_visible(timeout=60_000)
        browser.close()
    assert errors == []
    assert (workspace / "data/answers/still/tiny/manifest.json").read_bytes() == untouched
    assert "changed f0" in (workspace / "data/answers/echo/tiny/answers.csv").read_text(encoding="utf-8")


def _execute_the_check(page: Page, ui: str) -> None:
    """Evaluate the check `fresh`; the page is drawn anew while it loads, which can swallow a click."""
    for _ in range(LAUNCHES):
        page.goto(f"{ui}/assets/answers?view=checks&checkDetail=fresh")
        page.locator("button", has_text="Execute").filter(has_not_text="all").click(timeout=60_000)
        for _ in range(LOOKS):
            page.goto(f"{ui}/assets/answers?view=checks&checkDetail=fresh")
            try:
                page.get_by_text("cells are fresh").first.wait_for(timeout=5_000)
            except PlaywrightTimeout:
                continue
            return
    pytest.fail("the check was never evaluated")
