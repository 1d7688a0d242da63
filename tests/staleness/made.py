"""A workspace with two models and two datasets, for tests of what a change makes stale."""

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

from tests.support import write_yaml

SAMPLES = {"big": 12, "tiny": 4}
PROMPTS = "user: 'Read: {{ question }}'\nrules:\n- {field: [f1], user: 'One: {{ field }}'}\n"
PLAIN = "plugin: echo\noptions: {answer: '{field}'}\n"
ASKING = "plugin: echo\nprompts: p\noptions: {answer: '{field}'}\n"
TINY = "reader: jsonl\nsource: source/tiny\n"
MINE = "plugin: exact_match\nnormalize: [punctuation]\n"


def png(*pixels: int) -> bytes:
    """A picture of one row of grey pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", len(pixels), 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes([0, *pixels]))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def sample(index: int, **changes: object) -> dict[str, object]:
    said = [{"role": "user", "content": changes.pop("question", f"What is f{index % 4}?")}]
    gold = changes.pop("gold", f"f{index % 4}")
    if gold is not None:
        said.append({"role": "assistant", "content": gold})
    base = {"id": f"s{index}", "doc_id": f"d{index // 4}", "doc_type": "receipt", "field": f"f{index % 4}"}
    return {**base, "subset": "clean", "images": [f"p{index // 4}.png"], "messages": said, **changes}


def write_dataset(
    root: Path, name: str, changes: Mapping[int, Mapping[str, object]] | None = None, more: int = 0
) -> None:
    folder = root / "source" / name
    folder.mkdir(parents=True, exist_ok=True)
    for page in range(4):
        if not (folder / f"p{page}.png").exists():
            (folder / f"p{page}.png").write_bytes(png(len(name), page, 255))
    rows = [sample(index, **(changes or {}).get(index, {})) for index in range(SAMPLES[name] + more)]
    kept = [row for row in rows if not row.get("gone")]
    text = "".join(json.dumps(row) + "\n" for row in kept)
    (folder / "samples.jsonl").write_text(text, encoding="utf-8")


def write_registries(root: Path) -> None:
    write_yaml(root, "prompts/p", PROMPTS)
    write_yaml(root, "prompts/q", "user: 'Other words: {{ question }}'\n")
    write_yaml(root, "models/asking", ASKING)
    write_yaml(root, "models/plain", "# a comment\n" + PLAIN)
    write_yaml(root, "metrics/mine", MINE)
    for name in SAMPLES:
        write_yaml(root, f"datasets/{name}", f"reader: jsonl\nsource: source/{name}\n")
    write_benchmark(root)


def write_benchmark(
    root: Path,
    *,
    models: str = "asking, plain",
    metrics: str = "exact_match, mine",
    dimensions: str = "overall, field",
    headline: str = "exact_match",
    name: str = "b",
) -> None:
    text = f"datasets: [big, tiny]\nmodels: [{models}]\nmetrics: [{metrics}]\ndimensions: [{dimensions}]\n"
    write_yaml(root, f"benchmarks/{name}", f"{text}headline: {headline}\n")
