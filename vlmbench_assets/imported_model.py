"""Models that were imported: their answers come from a file of another tool, and nobody can ask them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vlmbench_sdk import Answer, Model, ModelError, NoOptions, Request

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.store import Manifest

IMPORTED = "imported"
"""Name of the model plugin."""


class ImportedModel(Model[NoOptions]):
    """Refuses to be asked."""

    def load(self) -> None:
        """Say why.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            "this model was imported, so it cannot be asked",
            where=f"model {self.settings.name}",
            fix="Import its answers with `vlmbench import`",
        )

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:  # noqa: ARG002
        """Never called."""
        yield from ()


def is_imported(bench: "Bench", model: str) -> bool:
    """Whether a model was imported."""
    return bench.catalog.models[model].plugin == IMPORTED


def not_there(cell: "Cell") -> str:
    """Why a cell without answers cannot be made."""
    return (
        "this model was imported, so it cannot be asked, and nothing was imported for this dataset; "
        f"import it: vlmbench import FORMAT FILE --model {cell.model} --dataset {cell.dataset}"
    )


def imported_from(made: "Manifest | None") -> str:
    """The file and format that answers were imported from; empty where they were not."""
    if made is None or IMPORTED not in made.lineage:
        return ""
    return f"{made.lineage.get('file', '')} ({made.lineage[IMPORTED].partition(' ')[0]})"
