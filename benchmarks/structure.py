"""TEDS: tables a second through the public scorers, on one core and over two, beside a peer.

200 pairs of tables as papers have them: 5 to 40 rows, 3 to 10 columns, spans, one in four cells misread, a row lost or
a cell split. The peer is `table_recognition_metric` (APTED in plain Python, the algorithm of PubTabNet's script), in an
environment of its own given by `--peer PYTHON`; both sides get the same texts, and its values must be ours. On a
machine that does other things too, processor time is the figure to compare.

Run: python benchmarks/structure.py [--tables N] [--peer PYTHON]
"""

import argparse
import json
import os
import random
import subprocess
import time
from pathlib import Path

from vlmbench_sdk import Cases
from vlmbench_structure.html_tables import read_table
from vlmbench_structure.options import TedsOptions
from vlmbench_structure.table_pairs import compare_pairs
from vlmbench_structure.teds import _asked, score_many
from vlmbench_structure.tree_edit import Limits

PEER = """
import json, sys
from table_recognition_metric import TEDS
pairs = json.load(sys.stdin)
scorer = TEDS()
values = [scorer(f"<html><body>{one}</body></html>", f"<html><body>{two}</body></html>") for one, two in pairs]
print(json.dumps(values))
"""


def made(chance: random.Random) -> tuple[str, str]:
    """An answer and its gold."""
    rows, columns = chance.randint(5, 40), chance.randint(3, 10)
    gold = [[_cell(chance) for _ in range(columns)] for _ in range(rows)]
    said = [[_misread(cell, chance) if chance.random() < 0.25 else cell for cell in row] for row in gold]
    if chance.random() < 0.5:
        said.pop(chance.randrange(rows))
    if chance.random() < 0.5:
        row = chance.choice(said)
        row.insert(chance.randrange(columns), "")
    return _html(said, chance.random() < 0.1), _html(gold, spanned=True)


def _cell(chance: random.Random) -> str:
    return chance.choice([f"{chance.uniform(0, 10**4):.2f}", chance.choice(["total", "всего", "n/a", "p < 0.05"]), ""])


def _misread(cell: str, chance: random.Random) -> str:
    return cell[:-1] + chance.choice("0123456789")


def _html(rows: list[list[str]], spanned: bool) -> str:  # noqa: FBT001
    head = '<tr><td colspan="2">head</td><td>of it</td></tr>' if spanned else "<tr><td>head</td><td>of it</td></tr>"
    cells = ("".join(f"<td>{cell.replace('<', '&lt;')}</td>" for cell in row) for row in rows)
    return f"<table><thead>{head}</thead><tbody>{''.join(f'<tr>{row}</tr>' for row in cells)}</tbody></table>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--peer", type=Path, help="an interpreter that has table_recognition_metric")
    options = parser.parse_args()
    chance = random.Random(1)  # noqa: S311
    texts = [made(chance) for _ in range(options.tables)]
    answers, golds = [one for one, _ in texts], [(two,) for _, two in texts]
    cases = Cases(answers, golds, ["table"] * len(texts), list, list)
    teds = TedsOptions()
    asked = [_asked(one, (two,), read_table, str, teds)[0] for one, two in texts]
    pairs = [pair for pair in asked if pair is not None and not isinstance(pair, float)]
    sizes = sorted(max(len(pair.left), len(pair.right)) for pair in pairs)
    print(f"{len(pairs)} pairs, {sizes[0]} to {sizes[-1]} nodes, median {sizes[len(sizes) // 2]}")
    took: dict[str, tuple[float, float]] = {}
    values: list[float | str] = []
    for name, workers in (("one core", 1), ("two cores", 2)):
        started = _clocks()
        values = compare_pairs(pairs, Limits(), workers)
        took[name] = _since(started)
    started = _clocks()
    score_many(cases, teds)
    took["score_many: HTML read, cores chosen by itself"] = _since(started)
    if options.peer:
        started = _clocks()
        done = subprocess.run(
            [str(options.peer), "-c", PEER], input=json.dumps(texts), capture_output=True, text=True, check=True
        )
        took["table_recognition_metric, one core"] = _since(started)
        theirs = json.loads(done.stdout)
        apart = max(abs(float(one) - two) for one, two in zip(values, theirs, strict=True))
        print(f"largest difference from the peer: {apart:.1e}")
    base = took["one core"]
    for name, (wall, busy) in took.items():
        print(f"{name:46} {wall:7.2f} s {busy:7.2f} s of processor {len(pairs) / wall:7.1f} tables/s", end="")
        print(f"  {base[0] / wall:5.2f} x in time, {base[1] / busy:5.2f} x in processor time")


def _clocks() -> tuple[float, float]:
    times = os.times()
    return time.perf_counter(), times.user + times.system + times.children_user + times.children_system


def _since(started: tuple[float, float]) -> tuple[float, float]:
    now = _clocks()
    return now[0] - started[0], now[1] - started[1]


if __name__ == "__main__":
    main()
