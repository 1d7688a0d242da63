"""What the UI shows of a cell: figures that Dagster plots over partitions and time, tables, and the page.

Figures have the names of the tables' columns. All of it is kept by the instance with every materialisation, so it is
bounded: links lead to the whole.
"""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, ANSWERS, UNANSWERED
from vlmbench_assets.make.answered import held_to_contracts, without_its_thinking
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table
from vlmbench_assets.work.cost import cost_of
from vlmbench_assets.work.percentiles import median
from vlmbench_assets.work.report_tables import HEADLINE_POLICY

Shown = dict[str, dg.MetadataValue]

ROWS = 20
MODELS = 200
"""Rows of a leaderboard."""
LONGEST_CELL = 200
LONGEST_TEXT = 48 * 1024
"""Characters of a page that are kept."""
LONGEST_PAGE = 128 * 1024
"""Characters of a page with its pictures: 1,000 cells take 0.25 GB at most, as SQLite keeps each event twice."""
COLOURS = 256
DIGITS = 4
"""Of fractions; the tables on disk have all of them."""
PICTURE = re.compile(r"!\[((?:[^\]\\]|\\.)*)\]\(([\w][\w./-]*)\)")


def cell_figures(bench: Bench, cell: Cell) -> Shown:
    """Every figure of a cell whose tables are there."""
    answers = read_table(bench.store.table("answers", cell.dataset, cell.model), ANSWERS)
    return {**score_figures(bench, cell), **answer_figures(bench, cell, answers)}


def answer_figures(bench: Bench, cell: Cell, answers: pd.DataFrame) -> Shown:
    """Figures of a cell's answers; what is not known is left out, never zero."""
    said = without_its_thinking(bench, cell, answers)
    read = held_to_contracts(bench, cell, said)
    failed = read["status"].isin(UNANSWERED)
    shown: Shown = {"samples": dg.MetadataValue.int(len(read)), "failed": dg.MetadataValue.int(int(failed.sum()))}
    given = ~read["status"].isin(UNANSWERED - {"parse_failed"})
    kept = (read.loc[given, "status"] != "parse_failed").mean() if read is not said and given.any() else None
    cost = cost_of(answers, bench.catalog.models[cell.model].price)
    # Of all answers or of none: a part would look cheap.
    total = cost.total if cost and cost.answers == len(answers) else None
    numbers = {"contract_kept": kept, "median_latency_ms": median(answers["latency_ms"]), "cost": total}
    return {**shown, **_numbers(numbers)}


def score_figures(bench: Bench, cell: Cell) -> Shown:
    """The headline score with its interval and coverage, as the leaderboard shows it."""
    frame = read_table(bench.store.table("aggregates", cell.dataset, cell.model), AGGREGATES)
    metric = bench.catalog.headline_of(cell.dataset, cell.model)
    rows = frame[(frame["dimension"] == "overall") & (frame["metric"] == metric) & (frame["policy"] == HEADLINE_POLICY)]
    shown: Shown = {"headline": dg.MetadataValue.text(metric)}
    for row in rows.to_dict("records"):
        shown |= _numbers({"score": row["value"], **{name: row[name] for name in ("ci_low", "ci_high", "coverage")}})
    return shown


def table(frame: pd.DataFrame, columns: Sequence[str], rows: int = ROWS) -> dg.MetadataValue:
    """The first rows of some columns, as a table; null is null."""
    shown = frame[list(columns)].head(rows).astype(object)
    records = [
        dg.TableRecord({name: _cell(value) for name, value in zip(columns, row, strict=True)})
        for row in shown.itertuples(index=False)
    ]
    return dg.MetadataValue.table(records, dg.TableSchema([_column(name, frame) for name in columns]))


def csv_table(file: Path) -> dg.MetadataValue:
    """A published CSV file without a contract, as a table."""
    frame = pd.read_csv(file, keep_default_na=False, na_values=[""])
    return table(frame, list(frame.columns), MODELS)


def pages(manifest: Manifest) -> list[str]:
    """The files of an asset that people open: pages and tables, not pictures."""
    return [name for name in manifest.files if Path(name).suffix in {".md", ".html", ".csv"}]


def board(text: str, manifest: Manifest, folder: Path) -> dg.MaterializeResult[None]:
    """A leaderboard that was made: its page, its table, the paths of its files, and what it was made from."""
    return dg.MaterializeResult(
        metadata={
            "leaderboard": page(text, folder),
            "table": csv_table(folder / "leaderboard.csv"),
            **{name: dg.MetadataValue.path(folder / name) for name in pages(manifest)},
            "lineage": dg.MetadataValue.json(manifest.lineage),
        },
        data_version=dg.DataVersion(manifest.version),
    )


def page(text: str, folder: Path) -> dg.MetadataValue:
    """A page with its pictures inside, made small; those that are too much are named by their path."""
    kept = text
    if len(text) > LONGEST_TEXT:
        kept = text[:LONGEST_TEXT].rpartition("\n")[0] + f"\n\n*The page goes on in its file, in {folder}.*\n"
    room = LONGEST_PAGE - len(kept)

    def inline(match: re.Match[str]) -> str:
        nonlocal room
        file = folder / match[2]
        if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            return match[0]
        small = _small(file)
        if len(small) > room:
            return f"*{match[1]}* (`{file}`)"
        room -= len(small)
        return f"![{match[1]}]({small})"

    return dg.MetadataValue.md(PICTURE.sub(inline, kept))


def _small(file: Path) -> str:
    """A picture as a data URI: charts take a third with 256 colours, photographs less as WebP."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return "x" * LONGEST_PAGE
    few, photo = io.BytesIO(), io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(few, "PNG", optimize=True)
    picture.save(photo, "WEBP", quality=60)
    kind, content = min((("png", few.getvalue()), ("webp", photo.getvalue())), key=lambda each: len(each[1]))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _numbers(values: dict[str, float | None]) -> Shown:
    return {
        name: dg.MetadataValue.float(round(float(value), DIGITS))
        for name, value in values.items()
        if not pd.isna(value)
    }


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, bool | int | float):
        return round(value, DIGITS)
    text = str(value)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"


def _column(name: str, frame: pd.DataFrame) -> dg.TableColumn:
    kind = {"Int64": "int", "int64": "int", "float64": "float"}.get(str(frame[name].dtype), "string")
    return dg.TableColumn(name, type=kind)
