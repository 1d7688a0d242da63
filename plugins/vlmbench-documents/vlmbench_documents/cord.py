"""Read CORD receipts: pictures in `images/` or `image/`, official JSON in `json/`.

A picture and its labels share their stem, as in the official release, or else the number at its end
(`cord_0007.jpg` and `receipt_00007.json`). Park et al., "CORD: A Consolidated Receipt Dataset for
Post-OCR Parsing", 2019.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vlmbench_documents.cord_labels import CordLine, parse_lines
from vlmbench_documents.folder_source import subfolder
from vlmbench_documents.image_paths import pictures
from vlmbench_documents.options import AnswerType, CordOptions
from vlmbench_documents.problems import Problems
from vlmbench_sdk import ReadJob, Sample

QUESTIONS = {
    "total.total_price": "What is the total amount of this receipt?",
    "sub_total.subtotal_price": "What is the subtotal of this receipt, before tax and service?",
    "sub_total.tax_price": "What is the tax amount on this receipt?",
    "sub_total.service_price": "What is the service charge on this receipt?",
    "sub_total.discount_price": "What is the discount on this receipt?",
    "total.cashprice": "What amount was paid in cash on this receipt?",
    "total.changeprice": "What amount of change was given on this receipt?",
    "total.creditcardprice": "What amount was paid by card on this receipt?",
    "total.menuqty_cnt": "What is the total quantity of items printed on this receipt?",
    "total.menutype_cnt": "What is the number of kinds of items printed on this receipt?",
}
"""Question by CORD category; others are asked by the field's name."""

MENU_QUESTION = (
    "List the items of this receipt. Answer with one JSON object with the key menu: a list of objects with "
    "the keys nm (name), cnt (quantity) and price (price of the line), and nothing else. "
    "Leave out keys that are not printed."
)

_ITEM_KEYS = ("nm", "cnt", "price")
_NUMBER = re.compile(r"(\d+)$")


def read(job: ReadJob[CordOptions]) -> Iterator[Sample]:
    """Read one sample a receipt and field, and one for its line items where `ask` names json.

    Fields that a receipt lacks are left out, unless the option `absent` is set. `doc_id` is the picture's
    stem; a value printed in several places has each distinct print as a reference.

    Raises:
        DatasetError: When pictures or labels are missing or broken, naming each file.
    """
    source = job.existing_source()
    problems = Problems(source, fix="Restore the files; nothing is read while there are mistakes")
    images = pictures(subfolder(job, "images", "image"))
    labels = {path.stem: path for path in sorted(subfolder(job, "json").glob("*.json"))}
    pairs = _pair(images, labels, problems)
    gold = {stem: parse_lines(label, problems) for stem, label in pairs.items()}
    problems.raise_if_any()
    for stem, lines in gold.items():
        for field, question, answer_type, references in _asked(job.options, lines):
            yield Sample(
                sample_id=f"{stem}-{field}",
                doc_id=stem,
                split=job.split,
                doc_type="receipt",
                field=field,
                question=question,
                answer_type=answer_type,
                references=references,
                images=(images[stem].relative_to(source).as_posix(),),
                language=job.language,
            )


def _pair(images: dict[str, Path], labels: dict[str, Path], problems: Problems) -> dict[str, Path]:
    """Return the label file of each picture, by the picture's stem."""
    by_number: dict[int, list[str]] = defaultdict(list)
    for stem in labels:
        if match := _NUMBER.search(stem):
            by_number[int(match[1])].append(stem)
    pairs: dict[str, Path] = {}
    for stem, image in images.items():
        match = _NUMBER.search(stem)
        same_number = by_number[int(match[1])] if match else []
        if stem in labels:
            pairs[stem] = labels[stem]
        elif len(same_number) == 1:
            pairs[stem] = labels[same_number[0]]
        else:
            found = f"more than one: {', '.join(same_number)}" if same_number else "none"
            problems.add(image.name, f"it needs one label file of its name or number; found {found}")
    for label in sorted(set(labels.values()) - set(pairs.values())):
        problems.add(f"json/{label.name}", "it has no picture of its name or number")
    return pairs


def _asked(options: CordOptions, lines: list[CordLine]) -> Iterator[tuple[str, str, AnswerType, tuple[str, ...]]]:
    """Yield field, question, answer type and references of each sample of one receipt."""
    if "fields" in options.ask:
        for field, category in options.fields.items():
            values = tuple(dict.fromkeys(line.value for line in lines if line.category == category and line.value))
            if values or options.absent:
                question = QUESTIONS.get(category, f"What is the {field.replace('_', ' ')} on this receipt?")
                yield field, question, _answer_type(category), values or ("",)
    if "json" in options.ask:
        menu = json.dumps({"menu": _menu(lines)}, ensure_ascii=False)
        yield "menu", MENU_QUESTION, "json", (menu,)


def _answer_type(category: str) -> AnswerType:
    if category.endswith("price"):
        return "money"
    return "number" if category.endswith("cnt") else "text"


def _menu(lines: list[CordLine]) -> list[dict[str, str]]:
    """Return the line items from the top down; a name printed over several rows is joined by spaces."""
    groups: dict[int, dict[str, list[str]]] = {}
    for line in sorted(lines, key=lambda line: line.top):
        name = line.category.removeprefix("menu.")
        if line.category.startswith("menu.") and name in _ITEM_KEYS and line.value:
            groups.setdefault(line.group, {}).setdefault(name, []).append(line.value)
    return [
        {name: " ".join(group[name]) for name in _ITEM_KEYS if name in group}
        for group in groups.values()
        if "nm" in group
    ]
