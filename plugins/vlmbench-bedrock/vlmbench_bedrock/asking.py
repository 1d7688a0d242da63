"""What is sent: a request as arguments of Converse."""

from collections.abc import Mapping
from json import dumps
from pathlib import Path

from vlmbench_bedrock.plugin import BedrockOptions
from vlmbench_sdk import ModelSettings, Request, RequestError
from vlmbench_sdk.media import media_type

FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
"""Converse's words for the pictures it takes."""

Asked = Mapping[str, object]
"""Arguments of `converse` and `converse_stream`."""


def arguments_of(request: Request, options: BedrockOptions, settings: ModelSettings) -> Asked:
    """Write a request as Converse wants it.

    Raises:
        RequestError: When a picture cannot be read, or is of a format that Converse does not take.
    """
    messages = []
    for example in request.examples:
        messages.append({"role": "user", "content": _content(example.images, example.user)})
        messages.append({"role": "assistant", "content": [{"text": example.assistant}]})
    messages.append({"role": "user", "content": _content(request.images, request.prompt)})
    wanted = settings.generation
    inference = {
        "maxTokens": wanted.max_new_tokens,
        "temperature": wanted.temperature,
        "topP": wanted.top_p,
        "stopSequences": list(wanted.stop) or None,
    }
    asked: dict[str, object] = {"modelId": options.model, "messages": messages}
    if known := {name: value for name, value in inference.items() if value is not None}:
        asked["inferenceConfig"] = known
    if request.system:
        asked["system"] = [{"text": request.system}]
    if options.extra_body:
        asked["additionalModelRequestFields"] = options.extra_body
    if options.json_schema is not None:
        schema = {"jsonSchema": {"name": "answer", "schema": dumps(options.json_schema)}}
        asked["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": schema}}
    return asked


def _content(images: tuple[str, ...], prompt: str) -> list[object]:
    """Pictures, then the prompt."""
    pictures: list[object] = [{"image": picture(path)} for path in images]
    return [*pictures, {"text": prompt}] if prompt else pictures


def picture(path: str) -> dict[str, object]:
    """A picture by the file's own bytes.

    Raises:
        RequestError: When it cannot be read, or is of a format that Converse does not take.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise RequestError(f"the picture cannot be read ({error.strerror})", where=Path(path).name) from error
    found = media_type(content)
    if found not in FORMATS:
        raise RequestError(
            f"Bedrock takes PNG, JPEG, GIF and WebP, this is {found or 'of no kind that its first bytes tell'}",
            where=Path(path).name,
            fix="Convert the dataset's pictures; nothing is converted on the way",
        )
    return {"format": FORMATS[found], "source": {"bytes": content}}
