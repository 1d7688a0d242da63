"""What is sent: the request's JSON around pictures that are never copied into it."""

import json
import secrets
from collections.abc import Iterator, Sequence
from itertools import count

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from pydantic import JsonValue

from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import ModelSettings, Request

_MARK = secrets.token_hex(16)
"""Stands for a picture until its bytes are put in; drawn anew in each process, so no prompt can contain it."""


class Body(Payload):
    """A body in pieces: putting half a megabyte of base64 through a JSON writer would cost milliseconds."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        """Keep the pieces."""
        super().__init__(pieces, content_type="application/json")
        self._pieces = pieces
        self._size = sum(map(len, pieces))

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The whole body as text."""
        return b"".join(self._pieces).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the pieces."""
        for piece in self._pieces:
            await writer.write(piece)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send the pieces, whose length is known."""
        del content_length
        await self.write(writer)


def body_of(request: Request, urls: Sequence[bytes], options: OpenAiOptions, settings: ModelSettings) -> Body:
    """Write a request as the endpoint wants it."""
    rest = json.dumps(fields_of(request, options, settings)).encode()
    pieces = []
    for index, url in enumerate(urls):
        before, _, rest = rest.partition(_mark(index).encode())
        pieces += [before, url]
    return Body([*pieces, rest])


def fields_of(request: Request, options: OpenAiOptions, settings: ModelSettings) -> dict[str, JsonValue]:
    """The request's JSON, with marks in place of pictures."""
    marks = count()
    messages: list[JsonValue] = []
    if request.system:
        messages.append({"role": "system", "content": request.system})
    for each in request.examples:
        messages.append({"role": "user", "content": _content(each.images, each.user, marks, options)})
        messages.append({"role": "assistant", "content": each.assistant})
    messages.append({"role": "user", "content": _content(request.images, request.prompt, marks, options)})
    fields: dict[str, JsonValue] = {
        "model": options.model or settings.revision or settings.name,
        "messages": messages,
        **_generation(options, settings),
        **options.extra_body,
    }
    if options.json_schema is not None:
        schema: JsonValue = {"name": "answer", "schema": options.json_schema, "strict": options.json_schema_strict}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    if options.stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return fields


def pictures_of(request: Request) -> list[str]:
    """All pictures in the order in which they are sent."""
    return [*(path for each in request.examples for path in each.images), *request.images]


def _content(images: Sequence[str], text: str, marks: Iterator[int], options: OpenAiOptions) -> list[JsonValue]:
    content: list[JsonValue] = []
    for _ in images:
        image: dict[str, JsonValue] = {"url": _mark(next(marks))}
        if options.detail:
            image["detail"] = options.detail
        content.append({"type": "image_url", "image_url": image})
    if text:
        content.append({"type": "text", "text": text})
    return content


def _generation(options: OpenAiOptions, settings: ModelSettings) -> dict[str, JsonValue]:
    wanted = settings.generation
    fields: dict[str, JsonValue] = {
        options.max_tokens_key: wanted.max_new_tokens,
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "seed": wanted.seed,
        "stop": list(wanted.stop) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _mark(index: int) -> str:
    return f"{_MARK}-{index}-"
