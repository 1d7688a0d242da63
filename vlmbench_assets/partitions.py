"""The partitions: every model of the catalog times every dataset."""

import dagster as dg

from vlmbench_assets.catalog import Catalog, Cell

OWNERS = ["team:vlmbench"]
"""Owners of every asset: Dagster filters by them where other code locations stand beside this one."""


class Partitions:
    """Partition definitions of one catalog.

    Static: a new registry file or plugin appears after a reload of the code location, with nothing to
    register, and a removed one leaves its history behind.
    """

    def __init__(self, catalog: Catalog) -> None:
        """Compute the partitions."""
        self.models = dg.StaticPartitionsDefinition(sorted(catalog.models))
        self.datasets = dg.StaticPartitionsDefinition(sorted(catalog.datasets))
        self.benchmarks = dg.StaticPartitionsDefinition(sorted(catalog.benchmarks))
        self.cells = dg.MultiPartitionsDefinition({"model": self.models, "dataset": self.datasets})


def cell_key(cell: Cell) -> dg.MultiPartitionKey:
    """The partition key of a cell."""
    return dg.MultiPartitionKey({"model": cell.model, "dataset": cell.dataset})


def cell_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> Cell:
    """The cell a run of a partitioned asset or job is for."""
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        raise dg.Failure(f"{key!r} is not the key of a (model, dataset) cell")
    parts = key.keys_by_dimension
    return Cell(model=parts["model"], dataset=parts["dataset"])
