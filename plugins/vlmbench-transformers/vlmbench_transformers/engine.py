"""Weights, processor and device: the only file that knows torch and transformers.

Both are imported inside of functions, after the worker's threads and its network were settled in the environment.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL.Image import Image
from pydantic import JsonValue, TypeAdapter

from vlmbench_sdk import ModelError, ModelSettings, Request
from vlmbench_sdk.weights import Found
from vlmbench_transformers.plugin import TransformersOptions
from vlmbench_transformers.prompts import messages, plain
from vlmbench_transformers.settings import cut, generate_arguments

if TYPE_CHECKING:
    import torch
    from transformers import BatchFeature, PreTrainedModel, ProcessorMixin

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
_JSON: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class Shown:
    """A request with its pictures opened and its prompt written."""

    request: Request
    pictures: tuple[Image, ...]
    text: str


@dataclass(frozen=True)
class Written:
    """What the model wrote for one request."""

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int


class Engine:
    """A loaded model."""

    def __init__(
        self, options: TransformersOptions, settings: ModelSettings, found: Found, adapter: Found | None
    ) -> None:
        """Load processor, weights and adapter onto the device.

        Raises:
            ModelError: When a library, a file, or the device is missing.
        """
        self._options, self._settings = options, settings
        self._where = f"model {settings.name}"
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        if found.local and (adapter is None or adapter.local):
            # Before the import: the hub's library reads it once.
            os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            import torch  # noqa: PLC0415, RUF100
            import transformers  # noqa: PLC0415, RUF100
        except ImportError as error:
            raise ModelError(
                f"torch and transformers cannot be imported ({error})",
                where=self._where,
                fix="Run it in the environment `transformers`, or in one with their requirements",
            ) from error
        transformers.utils.logging.disable_progress_bar()
        torch.set_num_threads(options.threads)
        self._torch = torch
        self._device = self._choose_device()
        try:
            self._processor = self._load_processor(found)
            self._model = self._load_model(found, adapter)
        except (OSError, ImportError, ValueError, RuntimeError, KeyError) as error:
            raise ModelError(
                f"{found.name} cannot be loaded ({type(error).__name__}: {str(error).strip()[:2000]})",
                where=self._where,
                fix="Check `model`, `revision` and `processor`, and the packages of its environment",
            ) from error
        self._arguments = generate_arguments(settings.generation, self._model.generation_config.to_dict())
        # What `generate` itself makes of it, so that the manifest holds every setting and not only ours.
        self._config, _ = self._model._prepare_generation_config(None, **self._arguments)  # noqa: SLF001
        # The library's limit for the whole text, 20 tokens unless set, would only be warned of at each batch.
        self._config.max_length = None
        if self._config.pad_token_id is None:
            self._config.pad_token_id = self._processor.tokenizer.pad_token_id

    @property
    def reproducible_together(self) -> bool:
        """Whether a batch's answers do not depend on a dice roll that its members share."""
        return not (self._config.do_sample and self._settings.generation.seed is not None)

    def show(self, request: Request, pictures: tuple[Image, ...]) -> Shown:
        """Write the prompt of a request."""
        if self._options.prompt_format is not None:
            token = str(getattr(self._processor, "image_token", "") or "")
            return Shown(request, pictures, plain(self._options.prompt_format, token, request))
        text = self._processor.apply_chat_template(
            messages(request), add_generation_prompt=True, tokenize=False, **self._options.template_options
        )
        return Shown(request, pictures, str(text))

    def length(self, shown: Shown) -> int:
        """How long a request is, roughly, in tokens: a patch of 28 x 28 pixels is about one, as are 4 letters.

        The true number differs by family; it only decides which requests are generated together.
        """
        return len(shown.text) // 4 + sum(picture.width * picture.height for picture in shown.pictures) // 784 + 1

    def prepare(self, batch: Sequence[Shown]) -> "BatchFeature":
        """Run the processor; on a thread, while the device is busy with the batch before."""
        start = str(getattr(self._processor.tokenizer, "bos_token", None) or "")
        # A chat template writes the first token itself, and the tokenizer would add another one.
        begun = bool(start) and self._options.prompt_format is None and batch[0].text.startswith(start)
        return self._processor(
            text=[each.text for each in batch],
            images=[list(each.pictures) for each in batch],
            padding=True,
            return_tensors="pt",
            **({"add_special_tokens": False} if begun else {}),
        )

    def generate(self, inputs: "BatchFeature") -> list[Written]:
        """Generate what follows the inputs.

        Raises:
            MemoryError: When memory does not suffice, of the GPU or of the machine.
        """
        try:
            return self._generate(inputs)
        except (RuntimeError, MemoryError) as error:
            if not (isinstance(error, MemoryError) or any(each in str(error).lower() for each in _NO_MEMORY)):
                raise
            told = str(error).strip().partition("\n")[0][:300]
        # Out of the handler, because the traceback holds what fills the memory.
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()
        raise MemoryError(told)

    def facts(self) -> dict[str, JsonValue]:
        """What was loaded, and every generation setting in force."""
        config = {name: value for name, value in self._config.to_dict().items() if value is not None}
        found: dict[str, JsonValue] = {
            "architecture": type(self._base()).__name__,
            "parameters": sum(each.numel() for each in self._model.parameters()),
            "device": self._device.type,
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "attention": str(self._model.config._attn_implementation),  # noqa: SLF001 - it has no public name
            "threads": self._torch.get_num_threads(),
            "generation": _JSON.validate_python(_plain(config)),
        }
        if self._device.type == "cuda":
            cuda = self._torch.cuda
            found["device_names"] = [cuda.get_device_name(index) for index in range(cuda.device_count())]
            peaks = [cuda.max_memory_allocated(index) for index in range(cuda.device_count())]
            found["peak_memory_mib"] = round(sum(peaks) / 2**20)
        return found

    def close(self) -> None:
        """Give the device's memory back."""
        del self._model
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()

    def _choose_device(self) -> "torch.device":
        given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        wanted = self._options.device
        if wanted == "auto":
            wanted = "cuda" if given else "cpu"
        if wanted == "cuda" and not self._torch.cuda.is_available():
            built = self._torch.version.cuda
            raise ModelError(
                f"a GPU is asked for and torch {self._torch.__version__} sees none "
                f"(CUDA_VISIBLE_DEVICES is {given!r}, torch is built for {f'CUDA {built}' if built else 'the CPU'})",
                where=self._where,
                fix="Give the entry `gpus: 1` on a machine with a GPU and its driver, or set `device: cpu`",
            )
        return self._torch.device(wanted)

    def _load_processor(self, found: Found) -> "ProcessorMixin":
        from transformers import AutoProcessor  # noqa: PLC0415, RUF100

        processor = AutoProcessor.from_pretrained(
            found.name, revision=found.revision, local_files_only=found.local, **self._options.processor
        )
        # What is generated follows the last token, so padding must stand before the first.
        processor.tokenizer.padding_side = "left"
        if processor.tokenizer.pad_token is None:
            processor.tokenizer.pad_token = processor.tokenizer.eos_token
        if self._options.prompt_format is None and not getattr(processor, "chat_template", None):
            raise ModelError(
                f"{found.name} has no chat template",
                where=self._where,
                fix="Set `prompt_format`, such as '{images}{prompt}', to what the model was trained with",
            )
        return processor

    def _load_model(self, found: Found, adapter: Found | None) -> "PreTrainedModel":
        from transformers import AutoModelForImageTextToText  # noqa: PLC0415, RUF100

        options = self._options
        several = self._device.type == "cuda" and self._torch.cuda.device_count() > 1
        model = AutoModelForImageTextToText.from_pretrained(
            found.name,
            revision=found.revision,
            local_files_only=found.local,
            dtype=options.dtype if options.dtype == "auto" else getattr(self._torch, options.dtype),
            **({"attn_implementation": options.attention} if options.attention else {}),
            **({"device_map": "auto"} if several else {}),
        )
        if adapter is not None:
            from peft import PeftModel  # noqa: PLC0415, RUF100

            model = PeftModel.from_pretrained(
                model, adapter.name, revision=adapter.revision, local_files_only=adapter.local
            )
            if options.merge_adapter:
                model = model.merge_and_unload()
        return (model if several else model.to(self._device)).eval()

    def _generate(self, inputs: "BatchFeature") -> list[Written]:
        torch, generation = self._torch, self._settings.generation
        if generation.seed is not None:
            torch.manual_seed(generation.seed)
            random.seed(generation.seed)
        # Only pictures take the weights' type; token ids stay whole numbers.
        ready = inputs.to(self._device, dtype=self._model.dtype)
        stop = {"tokenizer": self._processor.tokenizer} if generation.stop else {}
        with torch.inference_mode():
            made = self._model.generate(**ready, generation_config=self._config, **stop)
        start = ready["input_ids"].shape[1]
        given = ready["attention_mask"].sum(dim=1).tolist()
        return [
            self._written(tokens, int(count)) for tokens, count in zip(made[:, start:].tolist(), given, strict=True)
        ]

    def _written(self, tokens: list[int], input_tokens: int) -> Written:
        ends = self._config.eos_token_id
        stops = {ends} if isinstance(ends, int) else set(ends or ())
        end = next((index for index, token in enumerate(tokens) if token in stops), None)
        # Rows that end earlier than the longest one of their batch are filled up with padding.
        kept = tokens if end is None else tokens[: end + 1]
        if end is None:
            while kept and kept[-1] == self._config.pad_token_id:
                kept = kept[:-1]
        text = str(self._processor.tokenizer.decode(kept, skip_special_tokens=True))
        short = cut(text, self._settings.generation.stop)
        full = end is None and short == text and len(kept) >= (self._config.max_new_tokens or 0)
        return Written(short.strip(), "length" if full else "stop", input_tokens, len(kept))

    def _base(self) -> "PreTrainedModel":
        return self._model.get_base_model() if hasattr(self._model, "get_base_model") else self._model


def _plain(value: object) -> JsonValue:
    """What of a configuration fits into JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
