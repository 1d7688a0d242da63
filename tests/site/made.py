"""A workspace for the site: three fake models that answer differently, two datasets with real pictures."""

import json
from pathlib import Path

from PIL import Image, ImageDraw

from tests.cells import answer, bench_of
from tests.support import write_yaml
from vlmbench_assets.bench import Bench
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.make.metrics import make_metrics

DOCUMENTS = 9
FIELDS = ("total", "date", "shop")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def gold(document: int, field: str) -> str:
    """What stands in a document."""
    shop = f"{HOSTILE} Лавка {document}"
    return {"total": f"{document}7.50", "date": f"2026-01-0{document + 1}", "shop": shop}[field]


def write_site_workspace(root: Path) -> None:
    """Write entries, documents and questions."""
    source = root / "source"
    source.mkdir(parents=True)
    lines = []
    for document in range(DOCUMENTS):
        picture = Image.new("RGB", (900, 1200), "white")
        ImageDraw.Draw(picture).text((60, 80), f"Receipt {document}: {document}7.50", fill="black", font_size=60)
        picture.save(source / f"{document}.png")
        for field in FIELDS:
            lines.append(
                {
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
            )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (source / "samples.jsonl").write_text(text, encoding="utf-8")
    right = {line["id"]: line["references"][0] for line in lines}
    write_answers(root, "good", right)
    half = {name: text if number % 2 else f"{text[:-1]}?" for number, (name, text) in enumerate(right.items())}
    write_answers(root, "half", half)
    write_answers(root, "bad", {})
    write_yaml(root, "datasets/receipts", "reader: jsonl\nsource: source\n")
    write_yaml(root, "datasets/letters", "reader: jsonl\nsource: source\noptions: {}\ndescription: the same again\n")
    write_yaml(
        root,
        "benchmarks/all",
        "models: [good, half, bad]\ndatasets: [receipts, letters]\nmetrics: [exact_match, anls, cer]\n"
        "headline: exact_match\ndimensions: [overall, field, doc_type, subset]\n",
    )


def write_answers(root: Path, model: str, answers: dict[str, str]) -> None:
    """Write a fake model that gives these answers, and `nothing known` to other questions."""
    options = json.dumps({"answer": "nothing known", "answers": answers})
    write_yaml(root, f"models/{model}", f"plugin: echo\noptions: {options}\n")


def make(root: Path) -> Bench:
    """Ask and score everything, without reports, which no page of the site needs."""
    bench = bench_of(root)
    for cell in bench.catalog.cells("all"):
        answer(root, cell.model, cell.dataset)
        make_metrics(bench, cell)
        make_aggregates(bench, cell)
    return bench
