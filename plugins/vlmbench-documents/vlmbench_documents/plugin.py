"""Hooks of the documents plugin. Pillow and numpy stay out of here: the host imports this at every start."""

from pathlib import Path

from vlmbench_documents.options import (
    AnnotationCsvOptions,
    CordOptions,
    JsonlOptions,
    SroieOptions,
    SyntheticOptions,
)
from vlmbench_sdk import DatasetReaderPlugin, hookimpl


@hookimpl
def vlmbench_dataset_readers() -> list[DatasetReaderPlugin]:
    """Offer the readers of this package."""
    return [
        DatasetReaderPlugin(
            name="annotation_csv",
            read="vlmbench_documents.annotation_csv:read",
            options=AnnotationCsvOptions,
            description="annotation.csv of the original project: one question a row",
        ),
        DatasetReaderPlugin(
            name="jsonl",
            read="vlmbench_documents.jsonl:read",
            options=JsonlOptions,
            description="Chat messages and images, one JSON object a line",
        ),
        DatasetReaderPlugin(
            name="sroie",
            read="vlmbench_documents.sroie:read",
            options=SroieOptions,
            description="SROIE (ICDAR 2019) receipts: img/, key/, box/",
        ),
        DatasetReaderPlugin(
            name="cord",
            read="vlmbench_documents.cord:read",
            options=CordOptions,
            description="CORD receipts: images and the official JSON",
        ),
        DatasetReaderPlugin(
            name="synthetic",
            read="vlmbench_documents.synthetic.reader:read",
            options=SyntheticOptions,
            needs_source=False,
            description="Seeded receipts, invoices and ID cards under seven image conditions",
        ),
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the demo's datasets."""
    return [Path(__file__).parent / "registries"]
