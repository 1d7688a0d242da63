"""Changes of datasets: each reaches just what is made from what it changed."""

from pathlib import Path

from tests.staleness.kinds import Cells, Kind, asked_of_tiny, edit, in_tiny, owner, rows
from tests.staleness.made import TINY, png
from tests.support import write_yaml

READ = {"tiny": ("files of the source changed",)}
PAGE = ["samples changed"]
GOLD = ["references changed"]
SLICES = ["slices of the samples changed"]
BOARD = {"tiny": tuple(GOLD)}
ABOUT = ["document, field, type or language changed (1 of 4 samples)"]
DOCUMENTS = "jsonl vlmbench-documents"


def pixel(root: Path) -> None:
    (root / "source/tiny/p0.png").write_bytes(png(4, 0, 254))


def rename_picture(root: Path) -> None:
    (root / "source/tiny/p0.png").rename(root / "source/tiny/z.png")
    lines = root / "source/tiny/samples.jsonl"
    lines.write_text(lines.read_text(encoding="utf-8").replace("p0.png", "z.png"), encoding="utf-8")


def turn_around(root: Path) -> None:
    lines = root / "source/tiny/samples.jsonl"
    turned = reversed(lines.read_text(encoding="utf-8").splitlines(keepends=True))
    lines.write_text("".join(turned), encoding="utf-8")


def append_and_prompt(root: Path) -> None:
    rows(more=1)(root)
    write_yaml(root, "prompts/p", "user: 'Say: {{ question }}'\n")


def answers(*reasons: str, **others: list[str]) -> Cells:
    return in_tiny(answers=list(reasons), report=PAGE, **others)


DATA = [
    Kind(
        "question of a sample",
        rows(s0={"question": "How much?"}),
        answers("question changed (1 of 4 samples)"),
        asked_of_tiny(1),
        said=("question changed (1 of 4 samples)",),
        read=READ,
    ),
    Kind(
        "question that its prompt does not use",
        rows(s1={"question": "How much?"}),
        {
            "asking|tiny": {"report": PAGE},
            "plain|tiny": {"answers": ["question changed (1 of 4 samples)"], "report": PAGE},
        },
        {"plain|tiny": 1},
        said=("question changed (1 of 4 samples)",),
        read=READ,
    ),
    Kind(
        "pixel",
        pixel,
        answers("image changed (4 of 4 samples)"),
        asked_of_tiny(4),
        said=("image changed (4 of 4 samples)",),
        read=READ,
    ),
    Kind("picture under another name", rename_picture, in_tiny(report=PAGE), read=READ),
    Kind("picture that no sample shows", lambda root: (root / "source/tiny/p3.png").unlink(), read=READ),
    Kind("order of the lines", turn_around, in_tiny(report=PAGE), read=READ),
    Kind(
        "reference",
        rows(s2={"gold": "other"}),
        in_tiny(metrics=GOLD, report=PAGE),
        said=("references changed",),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "one more reference",
        rows(s2={"references": ["or this"]}),
        in_tiny(metrics=GOLD, report=PAGE),
        said=("references changed",),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "reference taken away",
        rows(s2={"gold": None}),
        in_tiny(metrics=GOLD, report=PAGE),
        said=("references changed",),
        read=READ,
        boards=BOARD,
        without_gold={"tiny": 1},
    ),
    Kind(
        "subset of a sample",
        rows(s2={"subset": "blur"}),
        in_tiny(aggregates=SLICES, report=PAGE),
        said=("slices of the samples changed",),
        read=READ,
    ),
    Kind(
        "attribute of a sample",
        rows(s2={"attributes": {"scanner": "b"}}),
        in_tiny(aggregates=SLICES, report=PAGE),
        said=("slices of the samples changed",),
        read=READ,
    ),
    Kind(
        "field of a sample",
        rows(s3={"field": "f9"}),
        answers(*ABOUT, metrics=GOLD, aggregates=SLICES),
        asked_of_tiny(1),
        said=(*ABOUT, *GOLD, *SLICES),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "samples appended",
        rows(more=3),
        answers("3 samples added", metrics=GOLD, aggregates=SLICES),
        asked_of_tiny(3),
        said=("3 samples added",),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "sample deleted",
        rows(s3={"gone": True}),
        answers("1 sample removed", metrics=GOLD, aggregates=SLICES),
        said=("1 sample removed",),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "sample under another id",
        rows(s3={"id": "s33"}),
        answers("1 sample added", "1 sample removed", metrics=GOLD, aggregates=SLICES),
        asked_of_tiny(1),
        said=("1 sample added", "1 sample removed"),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "sample appended that asks what another asks",
        rows(more=1, s4={"doc_id": "d0", "field": "f0", "images": ["p0.png"], "question": "What is f0?"}),
        answers("1 sample added", metrics=GOLD, aggregates=SLICES),
        asked_of_tiny(1),
        said=("1 sample added",),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "sample appended and prompt changed",
        append_and_prompt,
        {
            "asking|big": {"answers": ["prompt p changed (12 of 12 samples)"]},
            "plain|tiny": {"answers": ["1 sample added"], "metrics": GOLD, "aggregates": SLICES, "report": PAGE},
            "asking|tiny": {
                "answers": ["prompt p changed (4 of 5 samples)", "1 sample added"],
                "metrics": GOLD,
                "aggregates": SLICES,
                "report": PAGE,
            },
        },
        {"asking|big": 12, "asking|tiny": 5, "plain|tiny": 1},
        said=("1 sample added",),
        read=READ,
        boards=BOARD,
    ),
    Kind(
        "language of the dataset",
        edit("datasets/tiny", TINY + "language: de\n"),
        answers(ABOUT[0].replace("1 of", "4 of"), aggregates=SLICES),
        asked_of_tiny(4),
        said=(ABOUT[0].replace("1 of", "4 of"), *SLICES),
        read={"tiny": ("language (none) → de",)},
    ),
    Kind(
        "split of the dataset",
        edit("datasets/tiny", TINY + "split: train\n"),
        in_tiny(aggregates=SLICES, report=PAGE),
        said=("slices of the samples changed",),
        read={"tiny": ("split test → train",)},
    ),
    Kind(
        "revision of the dataset, with the same files",
        edit("datasets/tiny", TINY + "revision: r1\n"),
        read={"tiny": ("dataset revision (none) → r1",)},
    ),
    Kind(
        "option of the reader, which reads the same",
        edit("datasets/tiny", TINY + "options: {file: samples.jsonl}\n"),
        read={"tiny": ("option file null → samples.jsonl",)},
    ),
    Kind(
        "version of the reader, which reads the same",
        patch=owner("vlmbench_dataset_readers", "jsonl"),
        read=dict.fromkeys(("big", "tiny"), (f"reader {DOCUMENTS}==0.1.0 → {DOCUMENTS}==9.9.9",)),
    ),
]
