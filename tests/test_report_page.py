"""A cell's page: what changed since it was scored before, its samples with their pictures, and when it is stale."""

import io
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.accessible import assert_accessible, with_axe
from tests.cells import answer, bench_of, score
from tests.staleness.made import png
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.report import make_report
from vlmbench_assets.make.since import GONE
from vlmbench_assets.make.thumbnails import MOST_BYTES, thumbnails
from vlmbench_assets.staleness import Judge
from vlmbench_assets.work.cell_report.samples import SHOWN

ECHO = Cell("echo", "tiny")
BEFORE = "plugin: echo\noptions: {answer: '{field}'}\n"
AFTER = "plugin: echo\noptions: {answer: 'f1'}\n"


def page_of(root: Path, name: str = "report.html") -> str:
    return (root / "data/report/echo/tiny" / name).read_text(encoding="utf-8")


def run(root: Path) -> None:
    answer(root, "echo", "tiny")
    score(root, "echo", "tiny")


def judged(root: Path) -> dict[str, list[str]]:
    assets = Judge(bench_of(root)).cell(ECHO).assets
    return {name: list(each.reasons) for name, each in assets.items() if each.state != "fresh"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cell of 60 samples, scored twice: with another answer option the second time."""
    root = tmp_path_factory.mktemp("made")
    write_yaml(root, "models/echo", BEFORE)
    write_yaml(root, "datasets/tiny", "reader: jsonl\nsource: source\n")
    write_yaml(root, "benchmarks/b", "models: [echo]\ndatasets: [tiny]\nmetrics: [exact_match, cer]\n")
    write_source(root, 60)
    (root / "source/page.png").write_bytes(png(*range(256)))
    run(root)
    assert "Since last time" not in page_of(root)
    write_yaml(root, "models/echo", AFTER)
    run(root)
    return root


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_the_page_says_what_changed_since_last_time(made: Path) -> None:
    text = page_of(made, "report.md")
    assert "**Since last time:** exact_match −0.333, worse; 20 samples flipped." in text
    assert "**20 samples flipped**: 0 better, 20 worse." in text
    assert "- option answer {field} → f1" in text
    assert "| 0.667 | 0.333 | −0.333 |" in text
    flipped = text.partition("## Flipped samples")[2].partition("## ")[0]
    assert f"Those that moved most, {SHOWN} of 20." in flipped
    assert flipped.count("1.000 → 0.000, worse") == SHOWN
    assert "| sample | question | gold | before | now |" in flipped


def test_the_samples_have_small_pictures_in_html_only(made: Path) -> None:
    html = page_of(made)
    assert len(re.findall(r'<img src="data:image/jpeg;base64,', html)) == 2 * SHOWN
    assert "jpeg" not in page_of(made, "report.md")
    assert "<script src" not in html
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html) == []


def test_the_same_tables_give_the_same_page(copy: Path) -> None:
    names = [
        path.name for path in (copy / "data/report/echo/tiny").iterdir() if path.suffix in {".md", ".html", ".png"}
    ]
    before = {name: (copy / "data/report/echo/tiny" / name).read_bytes() for name in names}
    # The same scores made again are no other state.
    score(copy, "echo", "tiny")
    assert {name: (copy / "data/report/echo/tiny" / name).read_bytes() for name in names} == before
    assert judged(copy) == {}


def test_a_state_that_is_gone_is_said_to_be(copy: Path) -> None:
    (copy / "data/metrics/echo/tiny/history/00001.json").unlink()
    assert judged(copy) == {}
    make_report(bench_of(copy), ECHO)
    text = page_of(copy, "report.md")
    assert GONE in text
    assert "Flipped samples" not in text


def test_a_page_that_says_it_is_stale_is_made_again_when_that_is_not_true_any_more(copy: Path) -> None:
    write_yaml(copy, "models/echo", BEFORE)
    make_report(bench_of(copy), ECHO)
    assert "> **Stale when this page was made:** option answer f1 → {field}." in page_of(copy, "report.md")
    write_yaml(copy, "models/echo", AFTER)
    assert judged(copy) == {"report": ["its page says that it is stale"]}
    make_report(bench_of(copy), ECHO)
    assert judged(copy) == {}
    assert "Stale" not in page_of(copy, "report.md")


def test_pictures_that_are_others_now_are_not_shown(copy: Path) -> None:
    (copy / "source/page.png").write_bytes(png(1, 2, 3))
    make_report(bench_of(copy), ECHO)
    assert "image/jpeg" not in page_of(copy)


def test_a_thumbnail_keeps_its_bound_and_leaves_out_what_it_must_not_read(tmp_path: Path) -> None:
    import numpy as np
    import pandas as pd
    from PIL import Image

    from vlmbench_assets.lineage import digest_bytes

    noise = np.random.default_rng(0).integers(0, 255, size=(900, 1400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    root = tmp_path / "in"
    root.mkdir()
    (root / "noise.png").write_bytes((tmp_path / "noise.png").read_bytes())
    (root / "text.png").write_bytes((tmp_path / "text.png").read_bytes())
    names = ["noise.png", "text.png", "../noise.png", "gone.png"]
    digests = [digest_bytes((root / name).read_bytes()) if name != "gone.png" else "0" * 64 for name in names]
    rows = {"images": [f'["{each}"]' for each in names], "image_sha256": [f'["{each}"]' for each in digests]}
    found = thumbnails(pd.DataFrame({"sample_id": ["a", "b", "c", "d"], **rows}), root)
    assert list(found) == ["a"]
    assert 0 < len(found["a"]) <= MOST_BYTES
    assert found["a"].startswith(b"\xff\xd8")
    # A receipt is as readable as it is wide, however long it is.
    receipt = Image.new("L", (620, 1800), 255)
    for line in range(60):
        receipt.paste(0, (40, 30 * line + 10, 40 + 9 * (line % 60), 30 * line + 14))
    receipt.save(root / "receipt.png")
    one = {"images": ['["receipt.png"]'], "image_sha256": [f'["{digest_bytes((root / "receipt.png").read_bytes())}"]']}
    small = thumbnails(pd.DataFrame({"sample_id": ["a"], **one}), root)["a"]
    with Image.open(io.BytesIO(small)) as shown:
        assert shown.size == (620, 1800)


def test_the_command_opens_the_page_in_a_browser(
    copy: Path, vlmbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    script = f"import sys, pathlib; pathlib.Path({str(opened)!r}).write_text(sys.argv[1])"
    monkeypatch.setenv("BROWSER", f'{sys.executable} -c "{script}" %s')
    here = ("--workspace", str(copy))
    said = vlmbench("report", "echo", "tiny", "--open", *here, check=0)
    page = copy / "data/report/echo/tiny/report.html"
    assert said.stdout.strip() == str(page)
    assert opened.read_text(encoding="utf-8") == page.as_uri()
    assert "--open needs MODEL and DATASET" in vlmbench("report", "--open", *here, check=2).stderr


@pytest.mark.engine("chromium")
def test_the_page_opens_as_a_file_without_a_complaint(made: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = with_axe(browser.new_page(viewport={"width": 390, "height": 800}))
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((made / "data/report/echo/tiny/report.html").as_uri())
        assert page.locator("img").evaluate_all("all => all.every(each => each.complete && each.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        column = page.locator("section:has(#s1) tbody td:first-child")
        assert column.all_inner_texts() == ["exact_match", "cer"]
        small = page.locator("details.thumbnail").first
        small.locator("summary").press("Enter")
        assert small.evaluate("each => each.open")
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        page.emulate_media(color_scheme="light")
        assert_accessible(page)
        page.emulate_media(color_scheme="dark")
        assert_accessible(page)
        assert said == []
        browser.close()
