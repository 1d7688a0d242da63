"""A workspace for the site: three fake models that answer differently, two datasets with real pictures."""

import json
from pathlib import Path

from PIL import Image, ImageDraw

from tests.cells import answer, bench_of
from tests.support import write_yaml
from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.make.metrics import make_metrics

DOCUMENTS = 9
FIELDS = ("total", "date", "shop")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


NASTY = {
    "r0/total": "\0 \u2028 \u202e '; alert(1); //",
    "r0/shop": "w" * 900_000,
    "r1/total": "</script>",
    "r1/date": "__proto__",
}
"""Wrong answers that must come out as text, and whole."""


def gold(document: int, field: str) -> str:
    """What stands in a document."""
    shop = f"{HOSTILE} Лавка {document}"
    return {"total": f"{document}7.50", "date": f"2026-01-0{document + 1}", "shop": shop}[field]


def write_site_workspace(root: Path) -> None:
    """Write entries, documents and questions."""
    source = root / "source"
    source.mkdir(parents=True)
    lines: list[dict[str, object]] = []
    for document in range(DOCUMENTS):
        picture = Image.new("RGB", (900, 1200), "white")
        ImageDraw.Draw(picture).text((60, 80), f"Receipt {document}: {document}7.50", fill="black", font_size=60)
        picture.save(source / f"{document}.png")
        lines += [_line(document, field) for field in FIELDS]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (source / "samples.jsonl").write_text(text, encoding="utf-8")
    right = {f"r{document}/{field}": gold(document, field) for document in range(DOCUMENTS) for field in FIELDS}
    write_answers(root, "good", right)
    half = {name: text if number % 2 else f"{text[:-1]}?" for number, (name, text) in enumerate(right.items())}
    write_answers(root, "half", half)
    write_answers(root, "bad", NASTY)
    write_yaml(root, "datasets/receipts", "reader: jsonl\nsource: source\n")
    write_yaml(root, "datasets/letters", "reader: jsonl\nsource: source\ndescription: the same again\n")
    write_yaml(
        root,
        "benchmarks/all",
        "models: [good, half, bad]\ndatasets: [receipts]\nmetrics: [exact_match, anls, cer]\n"
        "headline: exact_match\ndimensions: [overall, field, doc_type, subset]\n",
    )
    write_yaml(root, "benchmarks/more", "models: [good, half]\ndatasets: [letters]\nmetrics: [exact_match]\n")


def _line(document: int, field: str) -> dict[str, object]:
    return {
        "id": f"r{document}/{field}",
        "doc_id": f"r{document}",
        "doc_type": "receipt",
        "field": field,
        "subset": "clean" if document % 2 else "blur",
        "language": "en",
        "images": [f"{document}.png"],
        "messages": [{"role": "user", "content": f"What is the {field}?"}],
        "references": [gold(document, field)],
    }


def write_answers(root: Path, model: str, answers: dict[str, str]) -> None:
    """Write a fake model that gives these answers, and `nothing known` to other questions."""
    options = json.dumps({"answer": "nothing known", "answers": answers})
    write_yaml(root, f"models/{model}", f"plugin: echo\noptions: {options}\n")


def make(root: Path) -> Bench:
    """Ask and score everything, without reports, which no page of the site needs."""
    bench = bench_of(root)
    for cell in [*bench.catalog.cells("all"), Cell(model="good", dataset="letters")]:
        answer(root, cell.model, cell.dataset)
        make_metrics(bench, cell)
        make_aggregates(bench, cell)
    # Answered, and then nothing: a page shows what there is.
    answer(root, "half", "letters")
    return bench
