"""One line of a JSON lines dataset: which keys there are, and what it makes a sample of.

Known keys: `messages` (required), `images`, `id`, `doc_id`, `doc_type`, `field`, `split`, `subset`,
`language`, `answer_type`, `references`, `attributes`. The README describes each.
"""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from vlmbench_documents.options import AnswerType
from vlmbench_documents.problems import nearest


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Part(_Closed):
    """A piece of a message: text, or an image, which may leave its path to the line's `images`."""

    type: Literal["text", "image", "image_url"]
    text: str = ""
    image: str | None = None
    image_url: str | None = None

    @field_validator("image_url", mode="before")
    @classmethod
    def _unwrap(cls, value: JsonValue) -> JsonValue:
        return value["url"] if isinstance(value, dict) and set(value) == {"url"} else value


class Message(_Closed):
    """One turn of the chat."""

    role: Literal["system", "user", "assistant"]
    content: list[Part]

    @field_validator("content", mode="before")
    @classmethod
    def _wrap(cls, value: JsonValue) -> JsonValue:
        return [{"type": "text", "text": value}] if isinstance(value, str) else value

    @property
    def text(self) -> str:
        """Its text parts, one below the other, without `<image>` placeholders."""
        texts = (part.text.replace("<image>", "").strip() for part in self.content)
        return "\n".join(text for text in texts if text)

    @property
    def paths(self) -> list[str]:
        """Images it names itself."""
        return [path for part in self.content if (path := part.image or part.image_url)]

    @property
    def placeholders(self) -> int:
        """Images it leaves to the line's `images`."""
        parts = [part for part in self.content if part.type != "text" and not (part.image or part.image_url)]
        return len(parts) + sum(part.text.count("<image>") for part in self.content)


class Line(_Closed):
    """One line of the file."""

    messages: list[Message] = Field(min_length=1)
    images: list[str] = Field(default_factory=list)
    id: str | int | None = None
    doc_id: str | int | None = None
    doc_type: str = ""
    field: str = ""
    split: str | None = None
    subset: str = ""
    language: str = ""
    answer_type: AnswerType = "text"
    references: list[str] | None = None
    attributes: dict[str, str] = Field(default_factory=dict)

    @field_validator("images", mode="before")
    @classmethod
    def _wrap(cls, value: JsonValue) -> JsonValue:
        return [value] if isinstance(value, str) else value

    def paths(self) -> list[str]:
        """Return its images in page order.

        Raises:
            ValueError: When messages and `images` disagree, or there is no image.
        """
        named = [path for message in self.messages for path in message.paths]
        expected = sum(message.placeholders for message in self.messages)
        if named and self.images and named != self.images:
            raise ValueError(f"messages name {named}, but images is {self.images}")
        found = named or self.images
        if not found:
            raise ValueError("it has no image; name them in the key images")
        if expected and expected != len(found):
            raise ValueError(f"messages have {expected} image placeholders, but images has {len(found)}")
        for path in found:
            if "://" in path or path.startswith("data:"):
                raise ValueError(f"{path[:60]!r} is not a file in the dataset's folder")
        return found

    def question(self) -> str:
        """Return what the user asks; a system message stands before it, and an empty line between.

        Raises:
            ValueError: When there is not exactly one user message.
        """
        asked = [message.text for message in self.messages if message.role == "user"]
        if len(asked) != 1:
            raise ValueError(f"a sample is one question, but messages has {len(asked)} of role user")
        system = [message.text for message in self.messages if message.role == "system"]
        return "\n\n".join([*system, *asked])

    def gold(self) -> tuple[str, ...]:
        """Return the last assistant message and the `references`, without repetition."""
        said = [message.text for message in self.messages if message.role == "assistant"][-1:]
        return tuple(dict.fromkeys([*said, *(self.references or [])]))

    def sample_id(self) -> str:
        """Return its id, or else a digest of what is asked, which does not depend on the line's place."""
        if self.id is not None:
            return str(self.id)
        asked = [self.paths(), self.question(), self.field, self.subset]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def parse_line(text: str) -> Line:
    """Parse one line.

    Raises:
        LineError: With every mistake of the line, as (key, message).
    """
    try:
        content = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise LineError([("", f"not JSON ({error})")]) from error
    if not isinstance(content, dict):
        raise LineError([("", f"not a JSON object, but {type(content).__name__}")])
    try:
        return Line.model_validate(content)
    except ValidationError as error:
        raise LineError(
            [_explain(detail["loc"], detail["type"], detail["msg"]) for detail in error.errors()]
        ) from error


class LineError(ValueError):
    """The mistakes of one line."""

    def __init__(self, mistakes: list[tuple[str, str]]) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes
        """Key (empty for the whole line) and message of each."""


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} appears twice")
    return found


def _explain(loc: tuple[int | str, ...], kind: str, message: str) -> tuple[str, str]:
    key = ".".join(map(str, loc))
    if kind != "extra_forbidden":
        return key, message[0].lower() + message[1:]
    known: type[_Closed] = Line if len(loc) == 1 else Message if len(loc) == 3 else Part
    return key, f"it is not known; {nearest(str(loc[-1]), known.model_fields)}"
