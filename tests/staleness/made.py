"""A workspace with two models and two datasets, for tests of what a change makes stale."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.support import write_yaml

SAMPLES = {"big": 12, "tiny": 4}
PROMPTS = "user: 'Read: {{ question }}'\nrules:\n- {field: [f1], user: 'One: {{ field }}'}\n"
MODEL = "plugin: echo\noptions: {answer: '{field}'}\n"


def sample(index: int, **changes: object) -> dict[str, object]:
    said = [
        {"role": "user", "content": changes.pop("question", f"What is f{index % 4}?")},
        {"role": "assistant", "content": changes.pop("gold", f"f{index % 4}")},
    ]
    base = {"id": f"s{index}", "doc_id": f"d{index // 4}", "doc_type": "receipt", "field": f"f{index % 4}"}
    return {**base, "subset": "clean", "images": [f"p{index // 4}.png"], "messages": said, **changes}


def write_dataset(
    root: Path, name: str, changes: Mapping[int, Mapping[str, object]] | None = None, more: int = 0
) -> None:
    folder = root / "source" / name
    folder.mkdir(parents=True, exist_ok=True)
    for page in range(4):
        if not (folder / f"p{page}.png").exists():
            (folder / f"p{page}.png").write_bytes(f"{name} page {page}".encode())
    rows = [sample(index, **(changes or {}).get(index, {})) for index in range(SAMPLES[name] + more)]
    kept = [row for row in rows if not row.get("gone")]
    text = "".join(json.dumps(row) + "\n" for row in kept)
    (folder / "samples.jsonl").write_text(text, encoding="utf-8")


def write_registries(root: Path) -> None:
    write_yaml(root, "prompts/p", PROMPTS)
    write_yaml(root, "prompts/q", "user: 'Other words: {{ question }}'\n")
    write_yaml(root, "models/asking", "plugin: echo\nprompts: p\noptions: {answer: '{field}'}\n")
    write_yaml(root, "models/plain", "# a comment\nplugin: echo\noptions: {answer: '{field}'}\n")
    write_yaml(root, "metrics/mine", "plugin: exact_match\nnormalize: [punctuation]\n")
    for name in SAMPLES:
        write_yaml(root, f"datasets/{name}", f"reader: jsonl\nsource: source/{name}\n")
    write_benchmark(root)


def write_benchmark(root: Path, metrics: str = "[exact_match, mine]", more: str = "headline: exact_match") -> None:
    text = f"models: [asking, plain]\ndatasets: [big, tiny]\nmetrics: {metrics}\ndimensions: [overall, field]\n{more}\n"
    write_yaml(root, "benchmarks/b", text)
