"""What the host itself offers, through the same hooks as every plugin."""

from vlmbench_assets.environments.apptainer_options import ApptainerOptions
from vlmbench_assets.environments.options import DockerOptions, VenvOptions
from vlmbench_assets.environments.slurm_options import SlurmOptions
from vlmbench_sdk import ChartPlugin, EnvironmentPlugin, ModelPlugin, PromptAdapterPlugin, hookimpl


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer models that have answers and cannot be asked."""
    return [
        ModelPlugin(
            name="imported",
            backend="vlmbench_assets.imported_model:ImportedModel",
            description="A model of another tool: its answers come from `vlmbench import`, and it cannot be asked",
        )
    ]


@hookimpl
def vlmbench_environments() -> list[EnvironmentPlugin]:
    """Offer where a worker may run."""
    return [
        EnvironmentPlugin(
            name="process",
            environment="vlmbench_assets.environments.process:ProcessEnvironment",
            description="A process with the host's own interpreter; no isolation, for tests and light models",
        ),
        EnvironmentPlugin(
            name="venv",
            environment="vlmbench_assets.environments.venv:VenvEnvironment",
            options=VenvOptions,
            description="A virtual environment of its own, made by uv and cached by its requirements' digest",
        ),
        EnvironmentPlugin(
            name="docker",
            environment="vlmbench_assets.environments.docker.environment:DockerEnvironment",
            options=DockerOptions,
            description="A locked-down container of its own on a pinned image, without network",
        ),
        EnvironmentPlugin(
            name="apptainer",
            environment="vlmbench_assets.environments.apptainer:ApptainerEnvironment",
            options=ApptainerOptions,
            description="A container image without a daemon and without privileges, as on clusters",
        ),
        EnvironmentPlugin(
            name="slurm",
            environment="vlmbench_assets.environments.slurm:SlurmEnvironment",
            options=SlurmOptions,
            description="A job of a Slurm cluster, with a virtual environment or an Apptainer image inside",
        ),
    ]


@hookimpl
def vlmbench_charts() -> list[ChartPlugin]:
    """Offer the pictures of a report."""
    return [
        ChartPlugin(
            name="heatmap",
            draw="vlmbench_assets.charts.heatmap:draw",
            numbers="vlmbench_assets.charts.heatmap:numbers",
            title="By field",
            caption="Headline score by field and slice, with the number of samples",
        ),
        ChartPlugin(
            name="by_field",
            draw="vlmbench_assets.charts.bars:by_field",
            title="By field",
            caption="Headline score by field, with 95 % intervals",
        ),
        ChartPlugin(
            name="by_subset",
            draw="vlmbench_assets.charts.bars:by_subset",
            title="By subset",
            caption="Headline score by subset, with 95 % intervals",
        ),
        ChartPlugin(
            name="errors",
            draw="vlmbench_assets.charts.errors:draw",
            numbers="vlmbench_assets.charts.errors:numbers",
            title="Kinds of errors",
            caption="Share of samples by kind of error, per field",
        ),
        ChartPlugin(
            name="confusion",
            draw="vlmbench_assets.charts.confusion:draw",
            numbers="vlmbench_assets.charts.confusion:numbers",
            title="Classes",
            caption="How often a class was taken for which, failed and unreadable answers as a class of their own",
        ),
        ChartPlugin(
            name="latency",
            draw="vlmbench_assets.charts.numbers:latency",
            numbers="vlmbench_assets.charts.numbers:latency_numbers",
            title="Speed",
            caption="How long single answers took",
        ),
        ChartPlugin(
            name="tokens",
            draw="vlmbench_assets.charts.numbers:tokens",
            numbers="vlmbench_assets.charts.numbers:tokens_numbers",
            title="Tokens and cost",
            caption="How many tokens single answers took",
        ),
    ]


@hookimpl
def vlmbench_prompt_adapters() -> list[PromptAdapterPlugin]:
    """Offer what a family of models without a system role needs."""
    return [
        PromptAdapterPlugin(
            name="system_in_user",
            version=1,
            adapt="vlmbench_assets.adapters:system_in_user",
            description="The system prompt goes in front of the first user message, for families without that role",
        )
    ]
