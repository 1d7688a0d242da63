"""Cells on disk that nothing declares any more: what is missing, and how to get it back.

A plugin that is uninstalled takes its entries with it. What its models answered stays: tables, history and reports
can be read, compared and pruned as before; only making them anew needs what is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.problems import Absent
from vlmbench_assets.store import MANIFEST, AssetName, Manifest, Store

HOST = "vlmbench-assets"
ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A cell whose model or dataset is not declared."""

    cell: Cell
    reason: str
    """What is missing, and what to do to have the cell back."""


def orphans(bench: Bench) -> list[Orphan]:
    """The cells with answers on disk whose model or dataset no entry declares."""
    found = []
    for path in sorted((bench.store.root / "answers").glob(f"*/*/{MANIFEST}")):
        cell = Cell(model=path.parent.parent.name, dataset=path.parent.name)
        missing: list[Absent] = []
        if cell.model not in bench.catalog.models:
            missing.append(Absent("models", cell.model))
        if cell.dataset not in bench.catalog.datasets:
            missing.append(Absent("datasets", cell.dataset))
        if missing:
            found.append(Orphan(cell, "; ".join(_reason(bench.store, each) for each in missing)))
    return found


def hint(store: Store, absent: Absent) -> str:
    """Which distribution to install for something that is not there; empty where nothing on disk tells."""
    if absent.name in (metadata(HOST).get_all("Provides-Extra") or ()):
        return f"install it: pip install '{HOST}[{absent.name}]'"
    for distribution, release in _brought_by(store, absent):
        if not _installed(distribution):
            return (
                f"it came with {distribution} {release}, which is not installed: pip install {distribution}=={release}"
            )
    return ""


def _reason(store: Store, absent: Absent) -> str:
    what = f"its {absent.kind.removesuffix('s')} {absent.name} is not declared any more"
    how = hint(store, absent) or f"write registries/{absent.kind}/{absent.name}.yaml to run it again"
    return f"{what}; {how}"


def _brought_by(store: Store, absent: Absent) -> Iterator[tuple[str, str]]:
    """Distributions, with their versions, that lineages on disk name for it."""
    by_kind: dict[str, tuple[AssetName, str, str]] = {
        "models": ("answers", "plugin", f"{absent.name}/*"),
        "datasets": ("samples", "reader", absent.name),
        "model plugins": ("answers", "plugin", "*/*"),
        "dataset readers": ("samples", "reader", "*"),
    }
    if absent.kind not in by_kind:
        return
    asset, key, pattern = by_kind[absent.kind]
    for path in sorted((store.root / asset).glob(f"{pattern}/{MANIFEST}")):
        manifest = _manifest(store, asset, path.parent.relative_to(store.root / asset).parts)
        name, _, requirement = manifest.lineage.get(key, "").partition(" ") if manifest else ("", "", "")
        distribution, _, release = requirement.partition("==")
        if release and absent.name in {name, *path.parent.relative_to(store.root / asset).parts}:
            yield distribution, release


def _manifest(store: Store, asset: AssetName, parts: tuple[str, ...]) -> Manifest | None:
    return store.manifest(asset, parts[-1], parts[0] if len(parts) > 1 else "")


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
