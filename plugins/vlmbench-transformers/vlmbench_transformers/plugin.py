"""Hooks of the Transformers plugin."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from vlmbench_sdk import ModelPlugin, Options, hookimpl
from vlmbench_sdk.weights import Source, unpinned

Revision = Annotated[str, Field(pattern=r"^([0-9a-f]{40})?$")]
"""A commit: 40 hexadecimal digits."""


class TransformersOptions(Options):
    """How a model is loaded, shown its pictures, and asked."""

    # Padding changes the last bits of the logits, and with them now and then a token (decision 27): the size of
    # batches is no such option.
    without_effect: ClassVar[frozenset[str]] = frozenset({"image_threads"})

    model: Source
    """Absolute folder with weights and processor, or `owner/name` on the hub; that one needs the entry's `revision`."""
    adapter: Source | None = None
    """A LoRA adapter in PEFT's format: absolute folder or `owner/name`."""
    adapter_revision: Revision = ""
    """Commit of an adapter from the hub."""
    merge_adapter: bool = False
    """Whether the adapter is added into the weights: quicker, and in half precision not quite the same."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: the GPUs that the worker was given, the CPU where it was given none."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the weights; `auto` takes what they were saved in."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] | None = None
    """Implementation of attention; null leaves it to the library. The manifest says which one it was."""
    batch_size: int = Field(default=4, ge=1)
    """Requests that are generated together at most; fewer where memory does not suffice."""
    window: int = Field(default=4, ge=1)
    """Batches that are read ahead and sorted by length, so that little is padded. Two such windows of pictures are in
    memory."""
    max_side: int | None = Field(default=None, ge=16)
    """Longest side, in pixels, to which a picture is scaled down before the model's own processor sees it; null keeps
    its size."""
    processor: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings of the model's processor, such as `max_pixels` or `do_image_splitting`, in place of its own."""
    prompt_format: str | None = None
    """For models without a chat template: the whole prompt, with `{images}`, `{system}` and `{prompt}`."""
    template_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Variables of the chat template, such as `enable_thinking`."""
    image_threads: int = Field(default=2, ge=1)
    """Threads that read pictures while the model is busy."""
    threads: int = Field(default=1, ge=1)
    """Threads of torch on the CPU. More than there are idle cores make it many times slower, not quicker."""

    @model_validator(mode="after")
    def _pinned_adapter(self) -> "TransformersOptions":
        if self.adapter is not None and (says := unpinned(self.adapter, self.adapter_revision, "adapter_revision")):
            raise ValueError(says)
        return self

    def revision_mistake(self, revision: str) -> str:
        """Weights of the hub need a commit."""
        return unpinned(self.model, revision, "revision")


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the model plugin `transformers`."""
    return [
        ModelPlugin(
            name="transformers",
            backend="vlmbench_transformers.backend:TransformersModel",
            options=TransformersOptions,
            description="Vision-language models of Hugging Face Transformers, on CPU or GPU",
        )
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship environments, and entries of well-known families to extend."""
    return [Path(__file__).parent / "registries"]
