"""What `vlmbench plan` costs over many cells: with nothing stale, and with everything stale in several ways.

One cell per dataset is made by the real code; the other models' cells are copies of it under their own names and
lineage, which the judge must find fresh before anything is timed. Beside it stands Dagster's own resolver, asked
the same question of the cells that it is given.

Run: python benchmarks/staleness.py [MODELS DATASETS SAMPLES]...
"""

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.make.answers import Asking, Surroundings, make_answers
from vlmbench_assets.make.metrics import make_metrics
from vlmbench_assets.make.report import make_report
from vlmbench_assets.plan import Plan, make_plan
from vlmbench_assets.store import CELL_ASSETS
from vlmbench_assets.workspace import Workspace

SIZES = ((50, 40, 40), (50, 40, 1000), (125, 40, 40), (250, 40, 40), (500, 40, 40))
SEED = "m0000"
QUIET = Surroundings(say=lambda _line: None, progress=lambda _done, _total: None)


def write(root: Path, name: str, text: str) -> None:
    """Write a registry entry."""
    path = root / "registries" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_registries(root: Path, models: int, datasets: int, *, answer: str = "same", prompt: str = "Read it.") -> None:
    """A benchmark of so many models and datasets."""
    names = [f"m{index:04}" for index in range(models)]
    sets = [f"d{index:03}" for index in range(datasets)]
    write(root, "prompts/p", f'user: "{prompt} {{{{ question }}}}"\n')
    for name in names:
        write(root, f"models/{name}", f"plugin: echo\nprompts: p\noptions: {{answer: '{answer}'}}\n")
    for name in sets:
        write(root, f"datasets/{name}", f"reader: jsonl\nsource: source/{name}\n")
    write(root, "benchmarks/b", json.dumps({"models": names, "datasets": sets, "metrics": ["exact_match", "anls"]}))


def write_sources(root: Path, datasets: int, samples: int, question: str = "Total?") -> None:
    """The datasets' files: every fourth sample has a picture of its own."""
    for number in range(datasets):
        folder = root / "source" / f"d{number:03}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for index in range(samples):
            page = f"p{index // 4}.png"
            if not (folder / page).exists():
                (folder / page).write_bytes(f"{number} {index}".encode())
            said = [{"role": "user", "content": question}, {"role": "assistant", "content": "same"}]
            sample = {"id": f"s{index}", "doc_id": f"doc{index // 4}", "field": f"f{index % 4}", "images": [page]}
            lines.append(json.dumps(sample | {"messages": said}) + "\n")
        (folder / "samples.jsonl").write_text("".join(lines), encoding="utf-8")


def bench_of(root: Path) -> Bench:
    """Open the workspace without what plugins ship, so that only its own entries count."""
    return open_bench(Workspace(root))


def make_cells(root: Path, models: int, datasets: int) -> None:
    """Make one cell per dataset, and copy it for the other models."""
    bench = bench_of(root)
    for number in range(datasets):
        cell = Cell(model=SEED, dataset=f"d{number:03}")
        make_answers(bench, cell, Asking(), QUIET)
        make_metrics(bench, cell)
        make_aggregates(bench, cell)
        make_report(bench, cell)
        for index in range(1, models):
            copy_cell(bench, cell, f"m{index:04}")


def copy_cell(bench: Bench, cell: Cell, model: str) -> None:
    """Copy a made cell for another model that says the same."""
    for asset in CELL_ASSETS:
        source, target = (bench.store.folder(asset, cell.dataset, name) for name in (cell.model, model))
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.png"))
        manifest = json.loads((target / "manifest.json").read_bytes()) | {"model": model}
        manifest["files"] = {name: digest for name, digest in manifest["files"].items() if not name.endswith(".png")}
        (target / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def timed(root: Path, cells: list[Cell]) -> tuple[float, Plan, float]:
    """Seconds of opening the workspace and of the plan itself."""
    started = time.perf_counter()
    bench = bench_of(root)
    opened = time.perf_counter()
    plan = make_plan(bench, cells)
    return time.perf_counter() - opened, plan, opened - started


def cells_of(models: int, datasets: int) -> list[Cell]:
    """All cells, dataset by dataset."""
    return [Cell(model=f"m{m:04}", dataset=f"d{d:03}") for d in range(datasets) for m in range(models)]


def everything_stale(root: Path, models: int, datasets: int, samples: int) -> dict[str, Callable[[], None]]:
    """Ways to make every cell stale, each undone by the next."""

    def sources() -> None:
        write_registries(root, models, datasets)
        write_sources(root, datasets, samples, "Sum?")

    return {
        "every model's option": lambda: write_registries(root, models, datasets, answer="other"),
        "every prompt": lambda: write_registries(root, models, datasets, prompt="Look."),
        "every dataset's files": sources,
    }


def measure(models: int, datasets: int, samples: int) -> None:
    """Print the rows of one size."""
    with tempfile.TemporaryDirectory() as folder:
        root, cells = Path(folder), cells_of(models, datasets)
        write_registries(root, models, datasets)
        write_sources(root, datasets, samples)
        make_cells(root, models, datasets)
        timed(root, cells)
        seconds, plan, opening = timed(root, cells)
        assert not plan.to_do, plan.to_do[0].judged.reasons
        show(len(cells), samples, "nothing", seconds, opening)
        for name, change in everything_stale(root, models, datasets, samples).items():
            change()
            seconds, plan, opening = timed(root, cells)
            assert len(plan.to_do) == len(cells), (name, len(plan.to_do))
            show(len(cells), samples, name, seconds, opening)


def compare_with_dagster(models: int, datasets: int) -> None:
    """Ask Dagster's resolver which answers are stale, after telling it all that is on disk."""
    import warnings

    import dagster as dg
    from dagster._core.definitions.data_version import CachingStaleStatusResolver
    from dagster._core.loader import LoadingContextForTest

    from vlmbench_assets.build import build_definitions
    from vlmbench_assets.instance import open_instance
    from vlmbench_assets.partitions import cell_key
    from vlmbench_assets.sync import sync_instance

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        root, cells = Path(folder), cells_of(models, datasets)
        write_registries(root, models, datasets)
        write_sources(root, datasets, 40)
        make_cells(root, models, datasets)
        instance = open_instance(Workspace(root))
        sync_instance(bench_of(root), instance, cells)
        write_registries(root, models, datasets, answer="other")
        bench = bench_of(root)
        started = time.perf_counter()
        events = sync_instance(bench, instance, cells)
        told = time.perf_counter() - started
        graph = build_definitions(bench).get_repository_def().asset_graph
        started = time.perf_counter()
        context = LoadingContextForTest(instance)
        resolver = CachingStaleStatusResolver(instance=instance, asset_graph=graph, loading_context=context)
        found = [resolver.get_status(dg.AssetKey("answers"), cell_key(cell)).name for cell in cells]
        dagster_s = time.perf_counter() - started
        ours, plan, _ = timed(root, cells)
        assert found.count("STALE") == len(plan.to_do) == len(cells)
        instance.dispose()
    print(
        f"{len(cells)} cells, every model changed: Dagster's resolver {dagster_s:.2f} s for `answers` alone "
        f"(after {told:.2f} s to report {events} models), the plan {ours:.2f} s for all four assets"
    )


def show(cells: int, samples: int, stale: str, seconds: float, opening: float) -> None:
    """Print one row."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per_cell = 1000 * seconds / cells
    print(f"{cells:7} {samples:7}  {stale:24} {seconds:7.2f} {per_cell:8.2f} {opening:8.2f} {peak:8.0f}", flush=True)


def main() -> None:
    """Measure every size, each in a process of its own so that peaks do not add up."""
    given = [int(each) for each in sys.argv[1:]]
    sizes = [tuple(given[i : i + 3]) for i in range(0, len(given), 3)] or SIZES
    print("  cells samples  stale                     plan s  ms/cell  open s  peak MB")
    for models, datasets, samples in sizes:
        child = os.fork()
        if child == 0:
            measure(models, datasets, samples)
            os._exit(0)
        os.waitpid(child, 0)
    if not given:
        compare_with_dagster(10, 40)


if __name__ == "__main__":
    main()
