"""Digests of what a cell was made from."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel


def digest_bytes(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_json(value: object) -> str:
    """SHA-256 of a value's canonical JSON: key order, spaces and comments change nothing."""
    return digest_bytes(json.dumps(value, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace"))


def digest_record(record: BaseModel) -> str:
    """Digest of a frozen record, apart from what only describes it."""
    return digest_json(record.model_dump(mode="json", exclude={"description"}))


def data_version(lineage: Mapping[str, str]) -> str:
    """The digest that Dagster compares: that of all named digests together."""
    return digest_json(dict(lineage))[:16]
