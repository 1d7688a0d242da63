"""Hooks of the documents plugin."""

from pathlib import Path

from vlmbench_documents.options import (
    AnnotationCsvOptions,
    CordOptions,
    JsonlOptions,
    QuestionsCsvOptions,
    SroieOptions,
    SyntheticOptions,
)
from vlmbench_sdk import DatasetReaderPlugin, hookimpl


@hookimpl
def vlmbench_dataset_readers() -> list[DatasetReaderPlugin]:
    """Offer the readers of files, and the generator."""
    return [
        DatasetReaderPlugin(
            name="annotation_csv",
            read="vlmbench_documents.annotation_csv:read",
            options=AnnotationCsvOptions,
            description="The original project's annotation.csv with its images",
        ),
        DatasetReaderPlugin(
            name="questions_csv",
            read="vlmbench_documents.questions_csv:read",
            options=QuestionsCsvOptions,
            description="A folder of pictures and a questions.csv: image, question, answer",
        ),
        DatasetReaderPlugin(
            name="jsonl",
            read="vlmbench_documents.jsonl:read",
            options=JsonlOptions,
            description="One JSON object a line: chat messages and images",
        ),
        DatasetReaderPlugin(
            name="sroie",
            read="vlmbench_documents.sroie:read",
            options=SroieOptions,
            description="Receipts of SROIE (ICDAR 2019): company, date, address, total",
        ),
        DatasetReaderPlugin(
            name="cord",
            read="vlmbench_documents.cord:read",
            options=CordOptions,
            description="Receipts of CORD: totals, tax, payment, line items",
        ),
        DatasetReaderPlugin(
            name="synthetic",
            read="vlmbench_documents.synthetic.reader:read",
            options=SyntheticOptions,
            needs_source=False,
            description="Receipts, invoices and specimen cards drawn from a seed, in English or Russian",
        ),
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Offer the dataset entries shipped with this package."""
    return [Path(__file__).parent / "registries"]
