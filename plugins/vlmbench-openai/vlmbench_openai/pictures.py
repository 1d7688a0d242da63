"""Pictures as data URLs: the file's own bytes, encoded once; scaled or converted only where an entry declares it."""

import asyncio
import base64
import io
import mimetypes
import os
from collections import OrderedDict
from pathlib import Path

from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import RequestError
from vlmbench_sdk.media import media_type, open_picture

KEPT_BYTES = 16 << 20
"""Encoded pictures that are kept: several questions about one page follow each other, and retries ask again."""

_Key = tuple[str, int, int]


class Pictures:
    """Encodes pictures, and keeps the latest ones encoded."""

    def __init__(self, options: OpenAiOptions) -> None:
        """Keep the rules; nothing is encoded yet."""
        self._options = options
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._size = 0

    async def url(self, path: str) -> bytes:
        """Return a picture as a data URL.

        Raises:
            RequestError: When it cannot be read, or cannot be scaled or converted as declared.
        """
        try:
            state = os.stat(path)  # noqa: PTH116 - called for each picture of each request
            key = (path, state.st_size, state.st_mtime_ns)
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
            # The runner read it a moment ago to check its digest, so this comes from memory.
            content = Path(path).read_bytes()
        except OSError as error:
            raise RequestError(f"the picture cannot be read ({error.strerror})", where=Path(path).name) from error
        kind = media_type(content) or mimetypes.guess_type(path)[0] or "application/octet-stream"
        if self._options.max_side or self._options.encode_as:
            # Pillow decodes and scales outside of the interpreter's lock, so that answers go on coming in.
            kind, content = await asyncio.to_thread(_changed, path, kind, content, self._options)
        encoded = b"data:" + kind.encode() + b";base64," + base64.b64encode(content)
        self._keep(key, encoded)
        return encoded

    def _keep(self, key: _Key, encoded: bytes) -> None:
        self._size += len(encoded) - len(self._kept.pop(key, b""))
        self._kept[key] = encoded
        while self._size > KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1])


def _changed(path: str, kind: str, content: bytes, options: OpenAiOptions) -> tuple[str, bytes]:
    """Scale and convert as declared; what needs neither goes as it is."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as opened:
            side = options.max_side or max(opened.size)
            wanted = f"image/{options.encode_as}" if options.encode_as else kind
            if max(opened.size) <= side and wanted == kind:
                return kind, content
            grey = opened.mode == "L" and "transparency" not in opened.info
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        says = f"it cannot be read as a picture ({type(error).__name__})"
        raise RequestError(says, where=Path(path).name) from error
    image = open_picture(io.BytesIO(content), Path(path).name, side)
    target = options.encode_as or "png"
    out = io.BytesIO()
    # The same shades, in a third of the bytes.
    image = image.convert("L") if grey else image
    image.save(out, target, **({"quality": options.jpeg_quality} if target == "jpeg" else {}))
    return f"image/{target}", out.getvalue()
