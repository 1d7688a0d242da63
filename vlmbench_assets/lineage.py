"""Lineage: the named digests of what something was made from.

Names and values are written for people wherever they are short (`option max_side: 192`), so that two lineages
can be compared in words; what is long stands as its digest.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

Lineage = dict[str, str]
SHORT = 80
"""Values up to so many characters stand in a lineage as they are."""


def digest_bytes(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: object) -> str:
    """Canonical JSON: key order, spaces and comments change nothing."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest_json(value: object) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    return digest_bytes(canonical(value).encode("utf-8", "replace"))


def digest_record(record: BaseModel) -> str:
    """Digest of a frozen record, apart from what only describes it."""
    return digest_json(record.model_dump(mode="json", exclude={"description"}))


def shown(value: object) -> str:
    """A value as it stands in a lineage: itself where that is short, else its digest."""
    text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= SHORT else f"sha256 {digest_bytes(text.encode('utf-8', 'replace'))[:16]}"


def data_version(lineage: Mapping[str, str]) -> str:
    """The digest that Dagster compares: that of all named digests together."""
    return digest_json(dict(lineage))[:16]
