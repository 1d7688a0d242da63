"""How each model is asked: its prompt collection and adapter, and what follows from them for lineage and pages."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.imported_model import is_imported
from vlmbench_assets.lineage import digest_json
from vlmbench_assets.prompt_collection import Collection
from vlmbench_assets.questions import Questions, make_questions
from vlmbench_sdk import PromptAdapterPlugin

if TYPE_CHECKING:
    from vlmbench_assets.work.prompt import RenderedPrompt

TUNED = "its prompts were tuned on this split"
CONTRACTS = "output contracts"
THINKING = "thinking"


def collection_of(bench: Bench, model: str) -> Collection | None:
    """A model's prompt collection; None for one that is asked each sample's own question."""
    name = bench.catalog.models[model].prompts
    return bench.catalog.collections[name] if name else None


def adapter_of(bench: Bench, model: str) -> PromptAdapterPlugin | None:
    """A model's prompt adapter: its own, else its collection's."""
    collection = collection_of(bench, model)
    name = bench.catalog.models[model].adapter or (collection.adapter if collection else None)
    return bench.plugins.prompt_adapters[name] if name else None


def asked_of(
    bench: Bench, cell: Cell, samples: Iterable[Mapping[str, str]]
) -> tuple[dict[str, "RenderedPrompt"], Questions]:
    """What a cell's model is asked: the prompt of each sample, and the digests of the questions.

    What an imported model was asked with is another tool's affair. Its answers are about a sample's question and
    images, whatever prompts its entry names (their contracts still say how its answers are read) and however the
    sample is classed.

    Args:
        bench: The workspace.
        cell: The cell.
        samples: Rows of the dataset's samples.
    """
    from vlmbench_assets.work.prompt import Prompting

    imported, rows = is_imported(bench, cell.model), list(samples)
    how = Prompting() if imported else Prompting(collection_of(bench, cell.model), adapter_of(bench, cell.model))
    prompts = {row["sample_id"]: how.render(row, cell.dataset) for row in rows}
    digests = {sample_id: prompt.sha256 for sample_id, prompt in prompts.items()}
    return prompts, make_questions(rows, digests, about=not imported)


def prompt_parts(bench: Bench, model: str) -> JsonValue:
    """All that a model's prompts come from besides the samples: equal, and no prompt need be rendered to compare."""
    if is_imported(bench, model):
        return {}
    collection, adapter = collection_of(bench, model), adapter_of(bench, model)
    parts: dict[str, JsonValue] = dict(collection.parts) if collection else {}
    return {**parts, **({"adapter": adapter.adapter_id} if adapter else {})}


def prompts_used(bench: Bench, model: str) -> dict[str, JsonValue]:
    """A model's prompts by name and digest, so that their change can be told; empty where it is asked with none."""
    if is_imported(bench, model):
        return {}
    collection, adapter = collection_of(bench, model), adapter_of(bench, model)
    named: dict[str, JsonValue] = {}
    if collection:
        pulled = bench.catalog.prompts[collection.name].pulled
        from_server: JsonValue = pulled.model_dump(mode="json") if pulled else None
        named = {"name": collection.name, "digest": digest_json(dict(collection.parts))}
        named |= {"pulled": from_server} if pulled else {}
    return {**named, **({"adapter": adapter.adapter_id} if adapter else {})}


def contracts_digest(bench: Bench, cell: Cell, slices: str) -> Mapping[str, str]:
    """The output contracts of a cell, as part of a lineage; empty where there are none.

    Args:
        bench: The workspace.
        cell: The cell.
        slices: Digest of what rules go by besides field and doc_type.
    """
    from vlmbench_sdk.parsing import PARSING

    collection = collection_of(bench, cell.model)
    if collection is None or collection.contracts is None:
        return {}
    by_language = any("language" in rule.when for rule in collection.rules)
    parts: list[JsonValue] = [PARSING, cell.dataset, collection.contracts, slices if by_language else ""]
    return {CONTRACTS: digest_json(parts)[:16]}


def thinking_rule(bench: Bench, model: str) -> str:
    """How thinking is told from a model's answers: the setting, and the version of the rule where there is one."""
    from vlmbench_sdk.thinking import THINKING as VERSION

    setting = bench.catalog.models[model].thinking
    return setting if setting == "keep" else f"{setting}@{VERSION}"


def tuned_here(bench: Bench, cell: Cell) -> bool:
    """Whether a cell's prompts were tuned on the very split that it is scored on."""
    collection = collection_of(bench, cell.model)
    split = bench.catalog.datasets[cell.dataset].split
    return collection is not None and f"{cell.dataset}:{split}" in collection.tuned_on
