"""What every shipped entry of a model that is asked in words sends for one sample: `python -m tests.golden_prompts`.

It stops before the weights' own chat template, which no test can have without fetching the tokenizer's files.
"""

import json
from pathlib import Path

from pydantic import JsonValue

from vlmbench_assets.registry_files import RegistryFolder, extended, read_folders
from vlmbench_openai.body import body_of
from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import Example, ModelEntry, ModelSettings, Request
from vlmbench_sdk.plugins import load_plugins
from vlmbench_transformers.plugin import TransformersOptions
from vlmbench_transformers.prompts import messages, plain

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
    """The entries of both plugins, abstract ones included."""
    folders = [RegistryFolder(path, info.distribution) for path, info in load_plugins().registries]
    files, problems = read_folders(folders)
    entries = {
        name: ModelEntry.model_validate(extended(file, files, problems))
        for (kind, name), file in files.items()
        if kind == "models"
    }
    assert not problems
    return {name: each for name, each in sorted(entries.items()) if each.plugin in {"transformers", "openai"}}


def sent(name: str, entry: ModelEntry) -> JsonValue:
    """What an entry sends for the sample: all words, where pictures stand, and the rules for pictures."""
    if entry.plugin == "transformers":
        options = TransformersOptions.model_validate(entry.options)
        form = options.prompt_format
        request = SAMPLE
        if form is not None:
            # What a plain prompt has no place for is refused, not left out.
            request = SAMPLE.model_copy(update={"examples": (), "system": SAMPLE.system if "{system}" in form else ""})
        words: JsonValue = json.loads(
            json.dumps(messages(request) if form is None else plain(form, "<image>", request))
        )
        rules: JsonValue = {"max_side": options.max_side, "processor": options.processor}
        return {"model": options.model, "sent": words, "images": rules, "template_options": options.template_options}
    endpoint = OpenAiOptions.model_validate({"base_url": "http://unset", **entry.options})
    settings = ModelSettings(name=name, generation=entry.generation)
    urls = [b"data:shown", b"data:page-1", b"data:page-2"]
    body: JsonValue = json.loads(body_of(SAMPLE, urls, endpoint, settings).decode())
    return {"sent": body, "images": {"max_side": endpoint.max_side, "encode_as": endpoint.encode_as}}


def golden() -> str:
    """The golden file as it should be now."""
    return (
        json.dumps({name: sent(name, entry) for name, entry in shipped().items()}, indent=1, ensure_ascii=False) + "\n"
    )


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(golden(), encoding="utf-8")
