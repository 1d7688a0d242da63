"""The edit distance of ordered trees, and what limits it."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Costs = NDArray[np.float64]


class TreeLimitError(Exception):
    """A distance that is not worth its time: the trees are too large, or the clock has run out."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a comparison may take."""

    nodes: int = 2000
    """Most nodes of either tree; memory grows with the product of both."""
    seconds: float = 10.0
    """Most time of one comparison."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Subtrees of one tree whose leftmost paths are compared at once, a row each, padded to the longest."""

    roots: Numbers
    """Shape (g,): post-order numbers of their roots."""
    first: Numbers
    """Shape (g,): each one's leftmost leaf."""
    nodes: Numbers
    """Shape (g, m): their nodes in post-order; a pad repeats the root."""
    real: NDArray[np.bool_]
    """Shape (g, m): false for pads."""
    before: Numbers
    """Shape (g, m): how many nodes of the row come before the node's own subtree."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An ordered tree by the post-order numbers of its nodes."""

    first: Numbers
    """Shape (n,): the leftmost leaf below each node, itself for a leaf."""

    @classmethod
    def of(cls, children: Sequence[Sequence[int]]) -> "Shape":
        """The shape of a tree given by the children of each node, all in post-order numbers."""
        first: list[int] = []
        for node, below in enumerate(children):
            first.append(first[below[0]] if below else node)
        return cls(np.asarray(first, dtype=np.int64))

    def segments(self) -> list[Segment]:
        """Its keyroots in groups, each group after all whose subtrees lie inside its own.

        Those of a group have the same level and sizes within a factor of two, so that pads cost little.
        """
        roots = {int(leaf): node for node, leaf in enumerate(self.first)}
        level = np.zeros(len(self.first) + 1, dtype=np.int64)
        groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for root in sorted(roots.values()):
            start = int(self.first[root])
            inside = level[start : root + 1].max(initial=0)
            level[root] = inside + 1
            groups[int(inside), (root - start + 1).bit_length()].append(root)
        return [self._segment(np.asarray(groups[key], dtype=np.int64)) for key in sorted(groups)]

    def _segment(self, roots: Numbers) -> Segment:
        first = self.first[roots]
        longest = int((roots - first).max()) + 1
        nodes = first[:, None] + np.arange(longest)
        real = nodes <= roots[:, None]
        nodes = np.minimum(nodes, roots[:, None])
        return Segment(roots, first, nodes, real, self.first[nodes] - first[:, None])


def tree_distance(
    left: Shape,
    right: Shape,
    costs: tuple[Costs, Costs, Costs],
    limits: Limits,
) -> float:
    """The least cost of turning one ordered tree into another.

    Formula: the recurrence of Zhang and Shasha, "Simple fast algorithms for the editing distance between trees
    and related problems", SIAM J. Comput. 18 (1989). Here all keyroots of a group are filled in at
    once, and the inserts of a row by a running minimum: min over k <= j of a[k] + I[j] - I[k], where I sums the
    costs of inserting up to j.

    Args:
        left: The tree to start from, n nodes.
        right: The tree to end with, m nodes.
        costs: Of removing each left node, shape (n,); of inserting each right one, shape (m,); of renaming one
            into the other, shape (n, m). None below 0.
        limits: When to give up.

    Raises:
        TreeLimitError: When a limit is reached.
    """
    largest = max(len(left.first), len(right.first))
    if largest > limits.nodes:
        raise TreeLimitError(f"too large: {largest} nodes, at most {limits.nodes} are compared")
    trees = np.zeros((len(left.first), len(right.first)))
    deadline = time.monotonic() + limits.seconds
    columns = right.segments()
    for rows in left.segments():
        for each in columns:
            _fill(trees, rows, each, costs, (deadline, limits.seconds))
    return float(trees[-1, -1])


def _fill(
    trees: Costs, rows: Segment, columns: Segment, costs: tuple[Costs, Costs, Costs], clock: tuple[float, float]
) -> None:
    """Compare all subtrees of two groups, and write down the distances of those on their leftmost paths."""
    remove, insert, rename = costs
    group, steps = rows.nodes.shape
    others, width = columns.nodes.shape
    sums = np.zeros((others, width + 1))
    np.cumsum(np.where(columns.real, insert[columns.nodes], 0.0), axis=1, out=sums[:, 1:])
    # Distances of forests: by nodes taken from the left one, subtree, other subtree, nodes of the other.
    forests = np.empty((steps + 1, group, others, width + 1))
    forests[0] = sums
    each, other = np.arange(group)[:, None, None], np.arange(others)[None, :, None]
    path = columns.before == 0
    ends = columns.nodes[path & columns.real]
    for step in range(steps):
        if time.monotonic() > clock[0]:
            raise TreeLimitError(f"timed out after {clock[1]:g} s")
        node, before = rows.nodes[:, step], rows.before[:, step]
        above = forests[step]
        matched = trees[node[:, None, None], columns.nodes]
        matched += forests[before[:, None, None], each, other, columns.before]
        on_path = before == 0
        if on_path.any():
            renamed = above[..., :-1] + rename[node[:, None, None], columns.nodes]
            np.copyto(matched, renamed, where=on_path[:, None, None] & path)
        row = forests[step + 1]
        np.add(above, remove[node][:, None, None], out=row)
        np.minimum(row[..., 1:], matched, out=row[..., 1:])
        row -= sums
        np.minimum.accumulate(row, axis=-1, out=row)
        row += sums
        kept = on_path & rows.real[:, step]
        if kept.any():
            trees[np.ix_(node[kept], ends)] = row[kept][..., 1:][:, path & columns.real]
