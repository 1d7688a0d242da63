"""What OCRBench v2 calls STEDS, for `vlmbench metrics conform --peers`: no metric of ours."""

import numpy as np

from vlmbench_structure.tree_edit import Limits, Shape, tree_distance


def similarity(answer: str, gold: str) -> float:
    """Return 1 - TED(A, R) / max(|A|, |R|) over the lines of two documents, headings above their lines.

    Source: STEDS and get_tree of OCRBench_v2/eval_scripts/TEDS_metric.py, Yuliang-Liu/MultimodalOCR. Two labels are
    equal where both have words, whatever words, and differ where one has none, even where both have none. So a text
    with an empty line is unlike itself (MultimodalOCR issue 67), and any other words score as the right ones.
    """
    trees = [_tree(text) for text in (answer, gold)]
    blank = [np.asarray([not label.split() for label in labels]) for labels, _ in trees]
    costs = np.ones(len(blank[0])), np.ones(len(blank[1])), np.logical_or.outer(*blank).astype(np.float64)
    distance = tree_distance(Shape.of(trees[0][1]), Shape.of(trees[1][1]), costs, Limits())
    return 1.0 - distance / max(len(blank[0]), len(blank[1]))


def _tree(text: str) -> tuple[list[str], list[list[int]]]:
    """Labels and children of the root, its headings and their lines, in post-order."""
    sections: list[tuple[str, list[str]]] = [("TITLE", [])]
    for line in text.replace("*", " ").replace("_", " ").split("\n"):
        if line.startswith("#"):
            sections.append((line.replace("#", ""), []))
        else:
            sections[-1][1].append(line)
    labels: list[str] = []
    children: list[list[int]] = []
    heads = []
    for head, lines in sections:
        start = len(labels)
        labels += [*lines, head]
        children += [[] for _ in lines] + [[*range(start, start + len(lines))]]
        heads.append(len(labels) - 1)
    return [*labels, "ROOT"], [*children, heads]
