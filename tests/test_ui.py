"""The Dagster UI in a real browser: one cell is materialised by clicking, and its report is read there."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support import REPOSITORY

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
def ui(workspace: Path) -> Iterator[str]:
    """`vlmbench ui` on the echo workspace; its address."""
    for name in ("definitions.py", "workspace.yaml"):
        shutil.copy(REPOSITORY / name, workspace / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (workspace / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vlmbench_assets.cli", "ui", "--workspace", str(workspace), "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_served(address, process, workspace / "ui.log")
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


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
            _launch_the_only_cell(page)
            if _report_is_there(page, ui):
                break
        _read_the_report(page)
        page.screenshot(path=str(workspace / "report.png"))
        page.goto(f"{ui}/assets/answers?view=checks")
        expect(page.get_by_text("contract").first).to_be_visible(timeout=30_000)
        browser.close()
    assert errors == []
    assert (workspace / "data/report/echo/tiny/report.md").exists()
    # The UI's runs and headless ones share one instance, which lies in the workspace.
    assert (workspace / ".dagster/history").is_dir()


def _launch_the_only_cell(page: Page) -> None:
    page.get_by_role("button", name="Materialize all").first.click(timeout=60_000)
    # Dagster warns that `samples` was never made; a cell reads its dataset itself when nobody did.
    confirm = page.get_by_role("button", name="Confirm")
    confirm.or_(page.get_by_text("Select a partition or create one").first).first.wait_for()
    if confirm.is_visible():
        confirm.click()
    # Plugins bring models and datasets of their own; only the echo cell is wanted.
    for name in ("tiny", "echo"):
        _choose(page, name)
    launch = page.get_by_role("button", name="Launch 1 run").or_(page.get_by_role("button", name="Launch backfill"))
    launch.click()
    # The dialog goes away when the run was launched.
    with suppress(PlaywrightTimeout):
        page.get_by_text("Launch runs to materialize").wait_for(state="hidden", timeout=10_000)


def _choose(page: Page, partition: str) -> None:
    """Choose one partition; the dialog draws itself anew while it loads, which closes an open list."""
    for _ in range(TRIES):
        page.get_by_text("Select a partition or create one").first.click()
        page.keyboard.type(partition)
        try:
            page.get_by_text("Select all (1)").click(timeout=3_000)
        except PlaywrightTimeout:
            continue
        page.get_by_text("Launch runs to materialize").click()
        return
    pytest.fail(f"the partition {partition} cannot be chosen")


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
    expect(pictures).to_have_count(3)
    for picture in pictures.all():
        assert picture.evaluate("each => each.complete && each.naturalWidth") > 0
