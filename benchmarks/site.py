"""How large a site of 100,000 answers is, how long it takes to write, and how soon a browser can use it.

Ten fake models answer a thousand questions about each of ten datasets; every fourth question has a page of its own,
drawn as a JPEG of 1,000 by 1,400 pixels. All cells are made by the real code. Answers are 5 to 60 characters, every
fifth of 400, every fiftieth of 3,000; each model is right on another share of them. The browser is Chromium, the
site is read from the disk (`file://`), and each figure is the median of five.

Run: python benchmarks/site.py [--models N] [--datasets N] [--samples N] [--keep FOLDER]
"""

import argparse
import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

ROUNDS = 5
PER_PAGE = 4
SIZE = (1000, 1400)
MEGABYTE = 1e6
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def write(root: Path, name: str, text: str) -> None:
    path = root / "registries" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def answer_of(made: random.Random, number: int) -> str:
    length = 3000 if number % 50 == 49 else 400 if number % 5 == 4 else made.randint(5, 60)
    return "".join(made.choices("abcdefghijklmnopqrstuvwxyz абвгдежзийклмн 0123456789", k=length)).strip() or "x"


def write_workspace(root: Path, models: int, datasets: int, samples: int) -> None:
    """Entries, questions and pages."""
    from PIL import Image, ImageDraw

    made = random.Random(20261121)  # noqa: S311 - a fixed seed, no secret
    golds = {f"s{number:05}": answer_of(made, number) for number in range(samples)}
    names = [f"model-{index:02}" for index in range(models)]
    for index, name in enumerate(names):
        right = 0.3 + 0.6 * index / max(1, models - 1)
        said = {key: gold if made.random() < right else gold[:-2] + "??" for key, gold in golds.items()}
        options = json.dumps({"answers": said}, ensure_ascii=False)
        write(root, f"models/{name}", f"plugin: echo\noptions: {options}\n")
    sets = [f"dataset-{index:02}" for index in range(datasets)]
    for number, name in enumerate(sets):
        folder = root / "source" / name
        folder.mkdir(parents=True)
        lines = []
        for index, (key, gold) in enumerate(golds.items()):
            page = f"p{index // PER_PAGE}.jpg"
            if index % PER_PAGE == 0:
                picture = Image.new("RGB", SIZE, "white")
                draw = ImageDraw.Draw(picture)
                for line in range(30):
                    draw.text((60, 40 + 44 * line), answer_of(made, 4)[:60], fill="black", font_size=26)
                draw.text((60, 20), f"{number} {index}", fill="black")
                picture.save(folder / page, quality=85)
            sample = {"id": key, "doc_id": f"doc{index // PER_PAGE}", "field": f"field{index % 6}", "images": [page]}
            sample |= {"doc_type": "receipt", "subset": ("clean", "blur", "noise")[index % 3], "references": [gold]}
            lines.append(json.dumps(sample | {"messages": [{"role": "user", "content": "What does it say?"}]}) + "\n")
        (folder / "samples.jsonl").write_text("".join(lines), encoding="utf-8")
        write(root, f"datasets/{name}", f"reader: jsonl\nsource: source/{name}\n")
    benchmark = {"models": names, "datasets": sets, "metrics": ["exact_match", "anls", "cer"], "headline": "anls"}
    write(root, "benchmarks/b", json.dumps(benchmark | {"dimensions": ["overall", "field", "subset"]}))


def make_cells(root: Path) -> None:
    """Every cell up to its aggregates."""
    from vlmbench_assets.bench import open_bench
    from vlmbench_assets.hold import cell_held
    from vlmbench_assets.make.aggregates import make_aggregates
    from vlmbench_assets.make.answers import Asking, make_answers
    from vlmbench_assets.make.metrics import make_metrics
    from vlmbench_assets.work.watch import QUIET
    from vlmbench_assets.workspace import Workspace

    bench = open_bench(Workspace(root))
    for cell in bench.catalog.cells("b"):
        with cell_held(bench.store, "answers", cell.dataset, cell.model):
            make_answers(bench, cell, Asking(), QUIET)
        make_metrics(bench, cell)
        make_aggregates(bench, cell)


def write_site(root: Path, images: str) -> tuple[float, float, float]:
    """The command as people call it: seconds, seconds of processor, peak MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-m", "vlmbench_assets.cli", "site", str(root / "site"), "--workspace", str(root)]
    subprocess.run([*command, "--images", images], check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, after.ru_maxrss / 1000


def sizes(folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """What of the site is how large: name, files, MB in all, and the largest file in MB."""
    parts = {"pictures": "images/*", "answers": "data/cells/*/*/answers.js", "summaries": "data/cells/*/*/summary.js"}
    parts |= {"whole texts": "data/**/long-*.js", "samples": "data/datasets/*/samples.js", "index": "data/index.js"}
    parts |= {"leaderboards and pairs": "data/datasets/*/[bp]*.js", "program": "static/*", "everything": "**/*"}
    for name, pattern in parts.items():
        found = [path.stat().st_size / MEGABYTE for path in folder.glob(pattern) if path.is_file()]
        yield name, len(found), sum(found), max(found, default=0.0)


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en")
    yield context.new_page()
    context.close()


def shown(page: Page, address: str) -> None:
    page.wait_for_function("address => document.getElementById('main')?.dataset.shown === address", arg=address)


def measure(site: Path) -> None:
    """How soon each page can be used in a fresh browser, what a filter takes after that, and the memory then."""
    pages = {
        "overview": "#/",
        "leaderboard": "#/dataset/dataset-00",
        "cell": "#/cell/model-00/dataset-00",
        "samples, one model": "#/samples/dataset-00?model=model-00",
        "samples, all models": "#/samples/dataset-00",
        "one sample": "#/sample/dataset-00/s00049",
        "two models": "#/compare/model-00/model-01/dataset-00",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        system = browser.new_browser_cdp_session()
        print(f"\n{'page':24}{'ms':>8}{'then a filter, ms':>20}{'script heap MB':>16}{'process MB':>12}")
        for name, address in pages.items():
            figures = [_once(browser, system, site, address) for _ in range(ROUNDS)]
            first, filtered, heap, memory = (statistics.median(each) for each in zip(*figures, strict=True))
            after = f"{filtered:.0f}" if filtered else ""
            print(f"{name:24}{first:8.0f}{after:>20}{heap:16.1f}{memory:12.0f}")
        browser.close()


def _once(browser: Browser, system: CDPSession, site: Path, address: str) -> tuple[float, ...]:
    with opened(browser) as page:
        start = time.perf_counter()
        page.goto((site / "index.html").as_uri() + address)
        shown(page, address)
        first = 1000 * (time.perf_counter() - start)
        filtered = 0.0
        if address.startswith("#/samples"):
            filtered = page.evaluate(
                """() => {
                    const select = document.querySelector('main option[value=field0]').parentElement;
                    const start = performance.now();
                    select.value = 'field0';
                    select.dispatchEvent(new Event('change'));
                    document.body.getBoundingClientRect();
                    return performance.now() - start;
                }"""
            )
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        found = system.send("SystemInfo.getProcessInfo")["processInfo"]
        pids = [each["id"] for each in found if each["type"] == "renderer"]
        memory = max(_resident(pid) for pid in pids)
        return first, filtered, metrics["JSHeapUsedSize"] / MEGABYTE, memory


def _resident(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in text.splitlines() if line.startswith("VmRSS")), 0.0)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--models", type=int, default=10)
    asked.add_argument("--datasets", type=int, default=10)
    asked.add_argument("--samples", type=int, default=1000)
    asked.add_argument("--keep", type=Path, help="a folder for the workspace, used again where it is there")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.keep or Path(folder) / "workspace"
        if not root.exists():
            write_workspace(root, given.models, given.datasets, given.samples)
            make_cells(root)
        shutil.rmtree(root / "site", ignore_errors=True)
        print(f"{given.models * given.datasets * given.samples:,} answers\n")
        print(f"{'written':28}{'s':>8}{'processor s':>14}{'peak MB':>10}")
        ways = {"without pictures": "none", "with pictures": "small", "again, pictures kept": "small"}
        for name, images in ways.items():
            wall, used, peak = write_site(root, images)
            print(f"{name:28}{wall:8.1f}{used:14.1f}{peak:10.0f}")
        print(f"\n{'part':24}{'files':>8}{'MB':>10}{'largest MB':>12}")
        for name, files, total, largest in sizes(root / "site"):
            print(f"{name:24}{files:8}{total:10.2f}{largest:12.2f}")
        measure(root / "site")


if __name__ == "__main__":
    main()
