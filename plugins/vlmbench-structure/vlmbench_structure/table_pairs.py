"""Compare pairs of tables, over processes where there is work for them.

`python -m vlmbench_structure.table_pairs PARENT` reads pairs, one JSON line each, and prints a line for each.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from vlmbench_structure.tree_edit import Costs, Limits, Shape, TreeLimitError, tree_distance

MOST_TEXT = 2e11
"""Characters of one table's cells times those of the other's; a second or two of work."""
WORTH_S = 1.5
"""Seconds of work that are worth another process, whose start takes about half a second."""

Part = tuple[str, int, int, str, list[int]]
"""Tag, colspan, rowspan, text and the numbers of the children of a node."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tables in post-order, and what their distance is divided by."""

    left: list[Part]
    right: list[Part]
    nodes: int

    @property
    def seconds(self) -> float:
        """About how long it takes, as measured with tables of 20 to 1,500 nodes."""
        return 0.001 + 2.5e-7 * len(self.left) * len(self.right) * (self.left != self.right)


def compare_pairs(pairs: Sequence[Pair], limits: Limits, workers: int | None = None) -> list[float | str]:
    """The similarity of each pair, or why there is none.

    Args:
        pairs: What to compare.
        limits: Of each comparison.
        workers: How many processes share the work, this one included; null takes as many as there are cores and
            work for.
    """
    if workers is None:
        workers = min(_cores(), math.ceil(sum(pair.seconds for pair in pairs) / WORTH_S))
    largest_first = sorted(range(len(pairs)), key=lambda at: -pairs[at].seconds)
    shares = [largest_first[each :: max(workers, 1)] for each in range(max(workers, 1))]
    results: dict[int, float | str] = {}
    others = [(share, _Worker([pairs[at] for at in share], limits)) for share in shares[1:] if share]
    try:
        results.update((at, compared(pairs[at], limits)) for at in shares[0])
        for share, worker in others:
            found = worker.results()
            # What a worker did not get to, for want of memory perhaps, is done here.
            results.update(zip(share, found, strict=False))
            results.update((at, compared(pairs[at], limits)) for at in share[len(found) :])
    finally:
        for _, worker in others:
            worker.end()
    return [results[at] for at in range(len(pairs))]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """Another process with a share of the pairs."""

    def __init__(self, pairs: Sequence[Pair], limits: Limits) -> None:
        self._asked = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        for pair in pairs:
            self._asked.write(json.dumps({"pair": asdict(pair), "limits": asdict(limits)}).encode() + b"\n")
        self._asked.seek(0)
        command = [sys.executable, "-m", "vlmbench_structure.table_pairs", str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=self._asked, stdout=self._said, stderr=subprocess.DEVNULL)

    def results(self) -> list[float | str]:
        """What it found, once it has ended."""
        self._process.wait()
        self._said.seek(0)
        return [json.loads(line) for line in self._said if line.endswith(b"\n")]

    def end(self) -> None:
        """Stop it where it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._asked.close()
        self._said.close()


def compared(pair: Pair, limits: Limits) -> float | str:
    """The similarity of a pair, or why there is none."""
    if pair.left == pair.right:
        return 1.0
    largest = max(len(pair.left), len(pair.right))
    if largest > limits.nodes:
        return f"too large: {largest} nodes, at most {limits.nodes} are compared"
    shapes = [Shape.of([below for *_, below in side]) for side in (pair.left, pair.right)]
    try:
        costs = np.ones(len(pair.left)), np.ones(len(pair.right)), _renames(pair.left, pair.right)
        return max(0.0, 1.0 - tree_distance(shapes[0], shapes[1], costs, limits) / pair.nodes)
    except TreeLimitError as error:
        return str(error)


def _renames(left: list[Part], right: list[Part]) -> Costs:
    """What renaming each node of one table into each of the other costs, 0 to 1."""
    sides = (left, right)
    kinds: dict[tuple[str, int, int], int] = {}
    numbers = [np.asarray([kinds.setdefault(part[:3], len(kinds)) for part in side]) for side in sides]
    costs: Costs = (numbers[0][:, None] != numbers[1][None, :]).astype(np.float64)
    texts = [{text: at for at, text in enumerate(dict.fromkeys(part[3] for part in side))} for side in sides]
    lengths = [np.asarray([len(text) for text in each]) for each in texts]
    if float(lengths[0].sum()) * float(lengths[1].sum()) > MOST_TEXT:
        raise TreeLimitError(f"too large: {lengths[0].sum()} and {lengths[1].sum()} characters are not compared")
    edits = cdist([*texts[0]], [*texts[1]], scorer=Levenshtein.distance, dtype=np.int32)
    shares = edits / np.maximum(np.maximum.outer(lengths[0], lengths[1]), 1)
    places = [np.asarray([each[part[3]] for part in side]) for each, side in zip(texts, sides, strict=True)]
    np.maximum(costs, shares[np.ix_(*places)], out=costs)
    return costs


def main(parent: int, asked: IO[str], said: IO[str]) -> None:
    """Compare what is asked, until there is no more or the parent, who waits for it, is gone."""
    for line in asked:
        if os.getppid() != parent:
            return
        job = json.loads(line)
        sides = [
            [(tag, wide, high, text, below) for tag, wide, high, text, below in job["pair"][side]]
            for side in ("left", "right")
        ]
        found = compared(Pair(sides[0], sides[1], job["pair"]["nodes"]), Limits(**job["limits"]))
        said.write(json.dumps(found) + "\n")
        said.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.stdin, sys.stdout)
