"""Asset `report`: a cell's result as a page for people, with its pictures."""

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, run_stage
from vlmbench_assets.hold import cell_held
from vlmbench_assets.make.report import make_report
from vlmbench_assets.partitions import OWNERS, Partitions, cell_of
from vlmbench_assets.shown import cell_figures, page, pages


def report_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="report",
        partitions_def=partitions.cells,
        deps=["aggregates"],
        group_name="cells",
        owners=OWNERS,
        kinds={"html", "markdown"},
        description="The result of a cell as a page for people, with pictures.",
    )
    def report(context: dg.AssetExecutionContext) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with cell_held(bench.store, "report", cell.dataset, cell.model):
                text, manifest = make_report(bench, cell)
            folder = bench.store.folder("report", cell.dataset, cell.model)
            return dg.MaterializeResult(
                metadata={
                    "report": page(text, folder),
                    **cell_figures(bench, cell),
                    **{name: dg.MetadataValue.path(folder / name) for name in pages(manifest)},
                    "lineage": dg.MetadataValue.json(manifest.lineage),
                },
                data_version=dg.DataVersion(manifest.version),
            )

        yield from run_stage("report", make)

    return report
