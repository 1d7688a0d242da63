"""The whole extension surface. Implement what you add; each hook is called once, on the host and in workers.

A module with hooks must stay light: it may import `vlmbench_sdk` and nothing heavy.
"""

from pathlib import Path

import pluggy

from vlmbench_sdk.plugin_specs import (
    ChartPlugin,
    DatasetReaderPlugin,
    EnvironmentPlugin,
    ExporterPlugin,
    ImporterPlugin,
    MetricPlugin,
    ModelPlugin,
    NormalizerPlugin,
    PromptAdapterPlugin,
)

hookspec = pluggy.HookspecMarker("vlmbench")
hookimpl = pluggy.HookimplMarker("vlmbench")


@hookspec
def vlmbench_models() -> list[ModelPlugin]:  # type: ignore[empty-body]
    """Return the kinds of models this plugin adds."""


@hookspec
def vlmbench_dataset_readers() -> list[DatasetReaderPlugin]:  # type: ignore[empty-body]
    """Return the dataset readers this plugin adds."""


@hookspec
def vlmbench_metrics() -> list[MetricPlugin]:  # type: ignore[empty-body]
    """Return the metrics this plugin adds."""


@hookspec
def vlmbench_prompt_adapters() -> list[PromptAdapterPlugin]:  # type: ignore[empty-body]
    """Return the prompt adapters this plugin adds."""


@hookspec
def vlmbench_normalizers() -> list[NormalizerPlugin]:  # type: ignore[empty-body]
    """Return the text normalisers this plugin adds."""


@hookspec
def vlmbench_environments() -> list[EnvironmentPlugin]:  # type: ignore[empty-body]
    """Return the kinds of environments this plugin adds."""


@hookspec
def vlmbench_charts() -> list[ChartPlugin]:  # type: ignore[empty-body]
    """Return the pictures this plugin adds to the report of a cell, in the order they are shown.

    They are drawn in the style of the host. With `numbers` a picture has the table that it shows under it.
    """


@hookspec
def vlmbench_importers() -> list[ImporterPlugin]:  # type: ignore[empty-body]
    """Return the formats that this plugin imports."""


@hookspec
def vlmbench_exporters() -> list[ExporterPlugin]:  # type: ignore[empty-body]
    """Return the formats that this plugin exports to."""


@hookspec
def vlmbench_registries() -> list[Path]:  # type: ignore[empty-body]
    """Return the folders of registry entries this plugin ships, laid out like `registries/`."""
