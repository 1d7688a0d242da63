"""What every shipped entry of a model that is asked in words sends for one sample: `python -m tests.golden_prompts`.

It stops before the weights' own chat template, which no test can have without fetching the tokenizer's files.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue

from vlmbench_assets.registry_files import RegistryFolder, extended, read_folders
from vlmbench_bedrock.asking import arguments_of
from vlmbench_bedrock.plugin import BedrockOptions
from vlmbench_openai.body import body_of
from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import Example, ModelEntry, ModelSettings, Request
from vlmbench_sdk.plugins import load_plugins
from vlmbench_transformers.plugin import TransformersOptions
from vlmbench_transformers.prompts import messages, plain
from vlmbench_vllm.plugin import VllmOptions
from vlmbench_vllm.prompts import messages_of
from vlmbench_vllm.settings import sampling_of

GOLDEN = Path(__file__).parent / "golden/prompts.json"
SAMPLE = Request(
    sample_id="receipt-1#total",
    images=("page-1.png", "page-2.png"),
    prompt="What is the total? Answer with {digits} only.",
    system="You read receipts.",
    examples=(
        Example(images=("shown.png",), image_sha256=("0" * 64,), user="What is the date?", assistant="2024-05-12"),
    ),
)
"""Two pages, a system prompt, an example with a picture of its own, and braces that must stay."""


def shipped() -> dict[str, ModelEntry]:
    """The entries of these plugins, abstract ones included."""
    folders = [RegistryFolder(path, info.distribution) for path, info in load_plugins().registries]
    files, problems = read_folders(folders)
    entries = {
        name: ModelEntry.model_validate(extended(file, files, problems))
        for (kind, name), file in files.items()
        if kind == "models"
    }
    assert not problems
    return {name: each for name, each in sorted(entries.items()) if each.plugin in SENT}


def sent(name: str, entry: ModelEntry) -> JsonValue:
    """What an entry sends for the sample: all words, where pictures stand, and the rules for pictures."""
    written: JsonValue = json.loads(json.dumps(SENT[entry.plugin](name, entry)))
    return written


def _by_transformers(_: str, entry: ModelEntry) -> dict[str, object]:
    options = TransformersOptions.model_validate(entry.options)
    form = options.prompt_format
    request = SAMPLE
    if form is not None:
        # What a plain prompt has no place for is refused, not left out.
        request = SAMPLE.model_copy(update={"examples": (), "system": SAMPLE.system if "{system}" in form else ""})
    words = messages(request) if form is None else plain(form, "<image>", request)
    rules = {"max_side": options.max_side, "processor": options.processor}
    return {"model": options.model, "sent": words, "images": rules, "template_options": options.template_options}


def _by_vllm(_: str, entry: ModelEntry) -> dict[str, object]:
    options = VllmOptions.model_validate(entry.options)
    rules = {"max_side": options.max_side, "processor": options.processor}
    return {
        "model": options.model,
        "sent": _with_pictures(lambda request: messages_of(request, None)),
        "sampling": sampling_of(entry.generation, saved={}),
        "images": rules,
        "template_options": options.template_options,
    }


def _by_openai(name: str, entry: ModelEntry) -> dict[str, object]:
    options = OpenAiOptions.model_validate({"base_url": "http://unset", **entry.options})
    settings = ModelSettings(name=name, generation=entry.generation)
    urls = [b"data:shown", b"data:page-1", b"data:page-2"]
    body = json.loads(body_of(SAMPLE, urls, options, settings).decode())
    return {"sent": body, "images": {"max_side": options.max_side, "encode_as": options.encode_as}}


def _by_bedrock(name: str, entry: ModelEntry) -> dict[str, object]:
    options = BedrockOptions.model_validate({"model": "unset", **entry.options})
    settings = ModelSettings(name=name, generation=entry.generation)
    return {"sent": _with_pictures(lambda request: arguments_of(request, options, settings))}


def _with_pictures(write: Callable[[Request], object]) -> JsonValue:
    """What is written of the sample with files of real pictures' first bytes."""
    with TemporaryDirectory() as folder:

        def placed(names: tuple[str, ...]) -> tuple[str, ...]:
            for name in names:
                Path(folder, name).write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
            return tuple(str(Path(folder, name)) for name in names)

        examples = tuple(each.model_copy(update={"images": placed(each.images)}) for each in SAMPLE.examples)
        request = SAMPLE.model_copy(update={"images": placed(SAMPLE.images), "examples": examples})
        said: JsonValue = json.loads(
            json.dumps(write(request), default=lambda content: base64.b64encode(content).decode())
        )
        return said


SENT = {"transformers": _by_transformers, "openai": _by_openai, "vllm": _by_vllm, "bedrock": _by_bedrock}


def golden() -> str:
    """The golden file as it should be now."""
    return (
        json.dumps({name: sent(name, entry) for name, entry in shipped().items()}, indent=1, ensure_ascii=False) + "\n"
    )


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(golden(), encoding="utf-8")
