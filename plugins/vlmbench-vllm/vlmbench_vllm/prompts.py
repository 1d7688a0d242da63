"""What a model is told: messages as OpenAI's interface has them, which both of vLLM's understand."""

import base64
import io
import mimetypes
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from pydantic import JsonValue

from vlmbench_sdk import Answer, Request, RequestError
from vlmbench_sdk.media import media_type, open_picture
from vlmbench_vllm.plugin import VllmOptions

Messages = list[JsonValue]


def messages_of(request: Request, max_side: int | None) -> Messages:
    """The request as a chat: the system prompt if there is one, solved examples, then pictures and the prompt.

    Raises:
        RequestError: When a picture cannot be read.
    """
    messages: Messages = [{"role": "system", "content": request.system}] if request.system else []
    for example in request.examples:
        messages.append(_user(example.images, example.user, max_side))
        messages.append({"role": "assistant", "content": example.assistant})
    messages.append(_user(request.images, request.prompt, max_side))
    return messages


def _user(images: tuple[str, ...], text: str, max_side: int | None) -> JsonValue:
    parts: list[JsonValue] = [
        {"type": "image_url", "image_url": {"url": data_url(Path(path), max_side)}} for path in images
    ]
    if text:
        parts.append({"type": "text", "text": text})
    return {"role": "user", "content": parts}


def data_url(path: Path, max_side: int | None) -> str:
    """Return a picture as a data URL: the file's own bytes, or PNG where it is larger than `max_side` pixels.

    vLLM turns it upright, as the camera noted; a picture that is scaled is turned before.

    Raises:
        RequestError: When the file cannot be read, or cannot be scaled.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"the picture cannot be read ({error.strerror})", where=path.name) from error
    kind = media_type(content) or mimetypes.guess_type(path)[0] or "image/png"
    if max_side is not None and (scaled := _scaled(path, content, max_side)):
        kind, content = "image/png", scaled
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _scaled(path: Path, content: bytes, max_side: int) -> bytes | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as opened:
            if max(opened.size) <= max_side:
                return None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(f"it cannot be read as a picture ({type(error).__name__})", where=path.name) from error
    out = io.BytesIO()
    open_picture(io.BytesIO(content), path.name, max_side).save(out, "png")
    return out.getvalue()


def shown(requests: Iterable[Request], options: VllmOptions) -> Iterator[tuple[Request, Messages] | Answer]:
    """Yield each request with its messages, while threads make the next ones; a failed answer where they cannot."""

    def show(request: Request) -> tuple[Request, Messages] | Answer:
        try:
            return request, messages_of(request, options.max_side)
        except RequestError as error:
            return Answer(sample_id=request.sample_id, status="error", error=str(error))

    source = iter(requests)
    with ThreadPoolExecutor(options.image_threads, "pictures") as readers:
        waiting: deque[Future[tuple[Request, Messages] | Answer]] = deque()
        while True:
            missing = 2 * options.image_threads - len(waiting)
            waiting.extend(readers.submit(show, each) for each in islice(source, missing))
            if not waiting:
                return
            yield waiting.popleft().result()
