"""Hooks of the exchange plugin."""

from vlmbench_exchange.options import InspectOptions, SqliteOptions, VlmEvalKitExportOptions
from vlmbench_sdk import ExporterPlugin, ImporterPlugin, hookimpl


@hookimpl
def vlmbench_importers() -> list[ImporterPlugin]:
    """Offer the formats that can be read."""
    return [
        ImporterPlugin(
            name="vlmevalkit",
            read="vlmbench_exchange.vlmevalkit:read",
            description="Predictions of VLMEvalKit: MODEL_DATASET.xlsx or .tsv",
        ),
        ImporterPlugin(
            name="lmms_eval",
            read="vlmbench_exchange.lmms_eval:read",
            match="position",
            description="Samples log of lmms-eval: *_samples_TASK.jsonl",
        ),
        ImporterPlugin(
            name="evalscope",
            read="vlmbench_exchange.evalscope:read",
            match="position",
            description="Predictions of evalscope: predictions/MODEL/DATASET_SUBSET.jsonl",
        ),
        ImporterPlugin(
            name="inspect_ai",
            read="vlmbench_exchange.inspect_ai:read",
            options=InspectOptions,
            description="Log of Inspect: *.eval or *.json",
        ),
        ImporterPlugin(
            name="original_answers",
            read="vlmbench_exchange.original_answers:read",
            match="question",
            description="Answers CSV of the original project; its annotation.csv is taken from the dataset's source",
        ),
        ImporterPlugin(
            name="original",
            read="vlmbench_exchange.original:read",
            imports="entries",
            description="The original project's user_config.csv with its vlm_base.csv, datasets and prompt collections",
        ),
    ]


@hookimpl
def vlmbench_exporters() -> list[ExporterPlugin]:
    """Offer the formats that can be written."""
    return [
        ExporterPlugin(
            name="vlmevalkit",
            write="vlmbench_exchange.vlmevalkit:write",
            options=VlmEvalKitExportOptions,
            description="Predictions as VLMEvalKit keeps them: MODEL_DATASET.tsv or .xlsx",
        ),
        ExporterPlugin(
            name="lmms_eval",
            write="vlmbench_exchange.lmms_eval:write",
            description="Samples logs as lmms-eval keeps them: MODEL/samples_DATASET.jsonl",
        ),
        ExporterPlugin(
            name="evalscope",
            write="vlmbench_exchange.evalscope:write",
            description="Predictions as evalscope keeps them: predictions/MODEL/DATASET_default.jsonl",
        ),
        ExporterPlugin(
            name="inspect_ai",
            write="vlmbench_exchange.inspect_ai:write",
            description="Logs for the viewer of Inspect: MODEL_DATASET.json",
        ),
        ExporterPlugin(
            name="sqlite",
            write="vlmbench_exchange.sqlite:write",
            options=SqliteOptions,
            description="One SQLite file with all tables and images, and metadata for Datasette",
        ),
        ExporterPlugin(
            name="parquet",
            write="vlmbench_exchange.parquet:write",
            description="All tables as Parquet; needs pyarrow",
        ),
        ExporterPlugin(
            name="huggingface",
            write="vlmbench_exchange.huggingface:write",
            description="A Hugging Face dataset: Parquet with images inside, and a card; needs pyarrow",
        ),
    ]
