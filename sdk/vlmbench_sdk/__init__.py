"""What VLMHyperBench plugins and workers import. Light: pydantic, pluggy and dagster-pipes only."""

from vlmbench_sdk.entries import (
    BenchmarkEntry,
    DatasetEntry,
    EnvironmentEntry,
    Generation,
    MetricEntry,
    ModelEntry,
    PromptEntry,
)
from vlmbench_sdk.environments import Check, Environment, Handle, Launch, Outcome, Prepared, worker_base_env
from vlmbench_sdk.errors import (
    CatalogError,
    ContractError,
    DatasetError,
    EnvironmentUnavailableError,
    ModelError,
    PluginError,
    RequestError,
    VlmBenchError,
    WorkerError,
    WorkspaceError,
)
from vlmbench_sdk.hookspecs import hookimpl
from vlmbench_sdk.metric import Case, categorize
from vlmbench_sdk.model import Model, ModelSettings, SimpleModel
from vlmbench_sdk.plugin_specs import (
    ChartPlugin,
    DatasetReaderPlugin,
    EnvironmentPlugin,
    MetricPlugin,
    ModelPlugin,
    NoOptions,
    NormalizerPlugin,
    Options,
    PromptAdapterPlugin,
)
from vlmbench_sdk.reading import ReadJob
from vlmbench_sdk.records import FAILED_STATUSES, Answer, Example, Prompt, Request, Sample, Score
from vlmbench_sdk.retry import Retry

__all__ = [
    "FAILED_STATUSES",
    "Answer",
    "BenchmarkEntry",
    "Case",
    "CatalogError",
    "ChartPlugin",
    "Check",
    "ContractError",
    "DatasetEntry",
    "DatasetError",
    "DatasetReaderPlugin",
    "Environment",
    "EnvironmentEntry",
    "EnvironmentPlugin",
    "EnvironmentUnavailableError",
    "Example",
    "Generation",
    "Handle",
    "Launch",
    "MetricEntry",
    "MetricPlugin",
    "Model",
    "ModelEntry",
    "ModelError",
    "ModelPlugin",
    "ModelSettings",
    "NoOptions",
    "NormalizerPlugin",
    "Options",
    "Outcome",
    "PluginError",
    "Prepared",
    "Prompt",
    "PromptAdapterPlugin",
    "PromptEntry",
    "ReadJob",
    "Request",
    "RequestError",
    "Retry",
    "Sample",
    "Score",
    "SimpleModel",
    "VlmBenchError",
    "WorkerError",
    "WorkspaceError",
    "categorize",
    "hookimpl",
    "worker_base_env",
]
