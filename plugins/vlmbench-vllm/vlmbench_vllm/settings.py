"""What vLLM is told: arguments of its engine, and of each generation. Both modes are told the same."""

import json
import os
from pathlib import Path

from pydantic import JsonValue, TypeAdapter

from vlmbench_sdk import Generation, ModelError, ModelSettings
from vlmbench_sdk.weights import Found
from vlmbench_vllm.plugin import VllmOptions

MAX_TOKENS = 512
"""Where neither the entry nor the weights say it; vLLM's own 16 are no use."""
NEUTRAL: dict[str, JsonValue] = {
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""vLLM's own defaults of what weights may set in their `generation_config.json`."""
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM has room for LoRA adapters in."""
_JSON: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def sampling_of(wanted: Generation, saved: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return every setting of a generation: the entry's, else the weights', else vLLM's neutral ones.

    The engine is started without the weights' own settings (`generation_config: vllm`), so that nothing is in force
    that does not stand here, and in the manifest.

    Args:
        wanted: The entry's settings.
        saved: What stands in the weights' `generation_config.json`.
    """
    settings = {name: saved[name] if saved.get(name) is not None else value for name, value in NEUTRAL.items()}
    if saved.get("do_sample") is False:
        # What Transformers calls greedy.
        settings["temperature"] = 0.0
    if wanted.temperature is not None:
        settings["temperature"] = wanted.temperature
    if wanted.top_p is not None:
        settings["top_p"] = wanted.top_p
    if settings["temperature"] == 0:
        # Greedy: vLLM sets these aside.
        settings |= {name: NEUTRAL[name] for name in ("top_p", "top_k", "min_p")}
    settings["max_tokens"] = wanted.max_new_tokens or saved.get("max_new_tokens") or MAX_TOKENS
    settings["seed"] = wanted.seed
    settings["stop"] = list(wanted.stop)
    return settings


def saved_settings(found: Found) -> dict[str, JsonValue]:
    """Read the weights' `generation_config.json`; empty where they have none."""
    if found.local:
        path = Path(found.name) / "generation_config.json"
    else:
        # A requirement of vLLM.
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        try:
            path = Path(hf_hub_download(found.name, "generation_config.json", revision=found.revision))
        except EntryNotFoundError:
            return {}
    return _JSON.validate_json(path.read_bytes()) if path.is_file() else {}


def engine_arguments(
    options: VllmOptions, settings: ModelSettings, found: Found, adapter: Path | None
) -> dict[str, JsonValue]:
    """Return the arguments of vLLM's engine by their names in `EngineArgs`, which are also those of its command."""
    visible = [each for each in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each]
    arguments: dict[str, JsonValue] = {
        "model": found.name,
        "revision": found.revision,
        "dtype": options.dtype,
        "quantization": options.quantization,
        "tensor_parallel_size": options.tensor_parallel or max(1, len(visible)),
        "max_model_len": options.max_model_len,
        "max_num_seqs": options.concurrency,
        "gpu_memory_utilization": options.gpu_memory,
        "enable_prefix_caching": options.prefix_caching,
        "enforce_eager": options.eager,
        "mm_processor_kwargs": options.processor or None,
        "generation_config": "vllm",
        "seed": settings.generation.seed or 0,
    }
    if adapter is not None:
        arguments |= {"enable_lora": True, "max_lora_rank": _rank_of(adapter, f"model {settings.name}")}
    return {name: value for name, value in arguments.items() if value is not None}


def _rank_of(adapter: Path, where: str) -> int:
    try:
        rank = _JSON.validate_json((adapter / "adapter_config.json").read_bytes()).get("r")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{adapter} is no LoRA adapter that can be read ({type(error).__name__})",
            where=where,
            fix="Set `adapter` to the folder that PEFT's save_pretrained wrote, and list it under `readable`",
        ) from error
    room = [each for each in _RANKS if isinstance(rank, int) and each >= rank]
    if not room:
        raise ModelError(
            f"vLLM has no room for an adapter of rank {rank}", where=where, fix="Merge it into the weights"
        )
    return room[0]


def argv_of(arguments: dict[str, JsonValue]) -> list[str]:
    """Write engine arguments as those of `vllm serve`; the model goes first, by itself."""
    argv = [str(arguments["model"])]
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            argv.append(f"--{flag}" if value else f"--no-{flag}")
        elif name != "model":
            argv += [f"--{flag}", json.dumps(value) if isinstance(value, dict) else str(value)]
    return argv
