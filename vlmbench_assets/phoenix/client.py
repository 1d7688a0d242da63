"""A thin client of Phoenix's REST interface, of `/v1/prompts` and `/v1/prompt_versions` (arize-phoenix 20.26.1)."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, JsonValue, ValidationError

from vlmbench_sdk import CatalogError

KEY_VARIABLE = "PHOENIX_API_KEY"
"""Environment variable with the key for `vlmbench prompts pull|push`, where the server wants one."""
URL_VARIABLE = "PHOENIX_BASE_URL"
"""Environment variable that names the Phoenix server where no `--server` is given, as for Phoenix's own client."""
TIMEOUT_S = 30.0
LONGEST_ANSWER = 8 << 20
LONGEST_ERROR = 65536
LONGEST_WORD = 500
PAGE = 100


class Message(BaseModel):
    """A message of a chat template; what is not named here is of no use to us."""

    role: str
    content: str | list[dict[str, JsonValue]]


class Template(BaseModel):
    """A chat template."""

    type: str
    messages: list[Message] = Field(default_factory=list)


class Version(BaseModel):
    """A version of a prompt, which Phoenix never changes."""

    id: str
    template: Template
    template_format: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    tools: JsonValue = None
    response_format: JsonValue = None


class _Answer(BaseModel):
    data: Version


class _Page(BaseModel):
    data: list[Version]
    next_cursor: str | None = None


AnswerT = TypeVar("AnswerT", bound=BaseModel)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The standard handler would send the key on to wherever it is told."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the 3xx answer becomes an error."""


class Phoenix:
    """One server."""

    def __init__(self, url: str) -> None:
        """Ask nothing yet.

        Raises:
            CatalogError: When the address is none, or holds a password.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
            raise CatalogError(
                "the address of the Phoenix server must look like http://host:6006, without user or password",
                fix=f"Correct --server or {URL_VARIABLE}; a key comes from {KEY_VARIABLE}",
            )
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._key = os.environ.get(KEY_VARIABLE, "")
        if not self._key.isascii() or not self._key.isprintable():
            raise CatalogError(f"the environment variable {KEY_VARIABLE} holds letters that no key has")
        self._opener = urllib.request.build_opener(_NoRedirect)

    def by_tag(self, prompt: str, tag: str) -> Version | None:
        """The version that a tag stands at; None when there is no such prompt or tag."""
        return self._version(f"/v1/prompts/{quote(prompt, safe='')}/tags/{quote(tag, safe='')}")

    def latest(self, prompt: str) -> Version | None:
        """The newest version; None when there is no such prompt."""
        return self._version(f"/v1/prompts/{quote(prompt, safe='')}/latest")

    def by_id(self, prompt: str, version: str) -> Version | None:
        """A version of this very prompt; None when it has none of this id."""
        return next((each for each in self._versions(prompt) if each.id == version), None)

    def create(self, prompt: str, version: Mapping[str, JsonValue]) -> Version:
        """Add a version, and the prompt where there is none yet."""
        body: JsonValue = {"prompt": {"name": prompt}, "version": dict(version)}
        return self._read(_Answer, self._asked("/v1/prompts", body)).data

    def tag(self, version: str, name: str) -> None:
        """Put a tag on a version; it leaves the one of the same prompt that it was on."""
        self._asked(f"/v1/prompt_versions/{quote(version, safe='')}/tags", {"name": name})

    def _versions(self, prompt: str) -> Iterator[Version]:
        cursor: str | None = ""
        while cursor is not None:
            after = f"&cursor={quote(cursor, safe='')}" if cursor else ""
            content = self._asked(f"/v1/prompts/{quote(prompt, safe='')}/versions?limit={PAGE}{after}")
            page = self._read(_Page, content if content is not None else b'{"data":[]}')
            yield from page.data
            cursor = page.next_cursor

    def _version(self, path: str) -> Version | None:
        content = self._asked(path)
        return None if content is None else self._read(_Answer, content).data

    def _read(self, kind: type[AnswerT], content: bytes | None) -> AnswerT:
        try:
            return kind.model_validate_json(content or b"")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            says = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
            raise self._failure(f"it answered something else than a prompt ({says})") from error

    def _asked(self, path: str, body: JsonValue = None) -> bytes | None:
        """What the server says; None for a 404 to a question."""
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {self._key}"} if self._key else {})}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        # The scheme was checked: http or https.
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                content: bytes = answer.read(LONGEST_ANSWER + 1)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(LONGEST_ERROR).decode("utf-8", "replace").strip()
            if error.code == 404 and body is None:  # noqa: PLR2004, RUF100
                return None
            raise self._failure(f"it answered {error.code}: {text}") from None
        except (OSError, HTTPException) as error:
            raise self._failure(f"it cannot be asked ({error})") from None
        if len(content) > LONGEST_ANSWER:
            raise self._failure(f"its answer is longer than {LONGEST_ANSWER} bytes")
        return content

    def _failure(self, what: str) -> CatalogError:
        # A server that repeats what it was sent must not put the key into a message.
        said = (what.replace(self._key, "***") if self._key else what)[:LONGEST_WORD]
        fix = f"Check the address and {KEY_VARIABLE} ({'is set' if self._key else 'is not set'})"
        return CatalogError(said, where=f"Phoenix at {self.url}", fix=fix)
