"""Hooks of the vLLM plugin."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from vlmbench_sdk import ModelPlugin, Options, hookimpl
from vlmbench_sdk.weights import Source, unpinned


class VllmOptions(Options):
    """How an engine is started, shown its pictures, and asked."""

    # Who is generated together changes the last bits of the logits, and with them now and then a token (decision 28):
    # `concurrency` is no such option.
    without_effect: ClassVar[frozenset[str]] = frozenset({"gpu_memory", "image_threads", "start_s", "timeout_s"})

    model: Source
    """Absolute folder with weights and processor, or `owner/name` on the hub; that one needs the entry's `revision`."""
    mode: Literal["offline", "server"] = "offline"
    """`offline`: the engine runs inside the worker. `server`: the worker starts `vllm serve`, asks it over HTTP, and
    stops it."""
    adapter: str | None = Field(default=None, pattern=r"^~?/.+$")
    """Absolute folder of a LoRA adapter in PEFT's format."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the weights; `auto` takes what they were saved in, and float16 where that is float32."""
    quantization: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_-]*$")
    """How the weights are quantised, by vLLM's name of it, such as `fp8`; null reads it from the weights."""
    tensor_parallel: int | None = Field(default=None, ge=1)
    """GPUs that the weights are split over; null takes all that the worker was given."""
    max_model_len: int | None = Field(default=None, ge=16)
    """Longest prompt and answer together, in tokens; null takes what the weights allow, often too much for memory."""
    gpu_memory: float = Field(default=0.9, gt=0, le=1)
    """Share of each GPU's memory that is taken, at once and for good. Lower it where models share a GPU."""
    prefix_caching: bool = True
    """Whether the beginning that prompts have in common is worked out once, such as one page asked several things."""
    eager: bool = False
    """Whether to run without compiling and CUDA graphs: ready sooner, slower after."""
    concurrency: int = Field(default=64, ge=1, le=4096)
    """Requests that the engine works on at a time; a quarter more wait at its door."""
    max_side: int | None = Field(default=None, ge=16)
    """Longest side, in pixels, to which a picture is scaled down before it is handed over; null hands over the file's
    own bytes."""
    processor: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings of the model's processor, such as `max_pixels`, in place of its own."""
    template_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Variables of the chat template, such as `enable_thinking`."""
    json_schema: dict[str, JsonValue] | None = None
    """JSON Schema that the engine forces answers to follow; null leaves answers free."""
    image_threads: int = Field(default=2, ge=1)
    """Threads that read pictures ahead."""
    start_s: float = Field(default=1800.0, gt=0)
    """How long a server may take until it is ready, in seconds; loading and compiling take minutes."""
    timeout_s: float = Field(default=900.0, gt=0)
    """How long a server may take for one answer, in seconds."""

    def revision_mistake(self, revision: str) -> str:
        """Weights of the hub need a commit."""
        return unpinned(self.model, revision, "revision")


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the model plugin `vllm`."""
    return [
        ModelPlugin(
            name="vllm",
            backend="vlmbench_vllm.backend:VllmModel",
            options=VllmOptions,
            description="Vision-language models in vLLM, as an engine in the worker or as a server beside it",
        )
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship environments, and entries of well-known families to extend."""
    return [Path(__file__).parent / "registries"]
