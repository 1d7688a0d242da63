"""Read a cell's answers as they count: without thinking, and held against their output contracts."""

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.lineage import digest_file
from vlmbench_assets.make.samples import samples_of
from vlmbench_assets.prompting import collection_of
from vlmbench_assets.store import Manifest, Store
from vlmbench_assets.tables import read_table
from vlmbench_assets.work.parse import contracts_of, spoken, with_failures
from vlmbench_sdk import ContractError


def read_answered(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a cell's samples and answers; answers that break their output contract have status `parse_failed`.

    Raises:
        ContractError: When the answers are not what was published, or some are for samples that are gone.
    """
    samples, answers = read_said(bench, cell)
    return samples, held_to_contracts(bench, cell, answers, samples)


def read_said(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a cell's answers as they are scored, without thinking unless the model keeps it, and their samples.

    Raises:
        ContractError: When the answers are not what was published, or some are for samples that are gone.
    """
    samples = samples_of(bench, cell.dataset)
    answers = without_its_thinking(bench, cell, read_published(bench.store, cell))
    lacking = sorted(set(answers["sample_id"]) - set(samples["sample_id"]))
    if lacking:
        raise ContractError(
            f"{len(lacking)} answers are for samples that the dataset has no more, the first is {lacking[0]!r}",
            where=str(bench.store.table("answers", cell.dataset, cell.model)),
            fix="The dataset changed after it was asked; run stage `answers` again, it asks only what is new",
        )
    asked = samples[samples["sample_id"].isin(set(answers["sample_id"]))]
    return asked.reset_index(drop=True), answers


def read_published(store: Store, cell: Cell) -> pd.DataFrame:
    """Read a cell's answers, and hold them against their manifest.

    Raises:
        ContractError: When the file was changed, damaged or half-published.
    """
    path = store.table("answers", cell.dataset, cell.model)
    answers = read_table(path, ANSWERS)
    manifest = store.manifest("answers", cell.dataset, cell.model)
    if manifest is not None and manifest.files and manifest.files.get(path.name) != digest_file(path):
        raise ContractError(
            "it is not what was published: the file was changed, or its publication was interrupted",
            where=str(path),
            fix="Run stage `answers` again; it publishes from the journal and asks nothing that was answered",
        )
    return answers


def without_its_thinking(bench: Bench, cell: Cell, answers: pd.DataFrame) -> pd.DataFrame:
    """The answers of a cell without thinking, unless the model keeps it."""
    return spoken(answers, bench.catalog.models[cell.model].thinking)


def held_to_contracts(
    bench: Bench, cell: Cell, said: pd.DataFrame, samples: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Answers without thinking, with `parse_failed` where they break their output contract.

    Args:
        bench: The workspace.
        cell: Whose answers they are.
        said: The answers.
        samples: Those of the dataset; read only where a contract needs them, if not given.
    """
    collection = collection_of(bench, cell.model)
    if collection is None or collection.contracts is None:
        return said
    samples = samples_of(bench, cell.dataset) if samples is None else samples
    return with_failures(said, contracts_of(collection, samples, cell.dataset))


def limit_of(answers: Manifest | None) -> int | None:
    """How many samples were asked, where not all were."""
    facts = answers.facts if answers else {}
    samples = facts.get("samples")
    return samples if isinstance(samples, int) and samples != facts.get("samples_in_dataset") else None
