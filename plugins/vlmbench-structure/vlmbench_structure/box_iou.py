"""Intersection over union of boxes, for grounding."""

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue
from scipy.optimize import linear_sum_assignment

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_found, says_nothing
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.options import BoxIouOptions

MOST_BOXES = 1000
"""Boxes of an answer that are compared, those that are equal to one of the gold apart; beyond, the row is null."""
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_KEYS = ("box", "boxes", "bbox", "bbox_2d", "bboxes", "boxes_2d")
_FULL = {"unit": 1.0, "thousand": 1000.0}

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class _TooLargeError(Exception):
    """More boxes than are compared."""


@dataclass(frozen=True, slots=True)
class _Boxes:
    boxes: list[Box]
    size: tuple[float, float] | None
    """Width and height of the picture, where they are given."""


def score(case: Case, options: BoxIouOptions) -> Score:
    """Return the IoU of the answer's box with the gold's, for the reference that fits best.

    Formula: area(A ∩ R) / area(A ∪ R). Of several boxes, the sum over the best one-to-one assignment divided by
    the larger number of boxes, so that a box too many costs as much as one that is missing.
    Source: Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 88 (2010), in
    continuous coordinates (no pixel is added to width and height).
    Range 0 to 1, higher is better, symmetric where both sides have the same format and scale.

    A box is four numbers: a JSON list, an object with `box`, `bbox` or `bbox_2d`, lists of these, or plain text such as
    `(10, 20), (30, 40)`. Pixels against relative numbers need gold like
    `{"box": [..], "width": 800, "height": 600}`. An answer whose numbers are no multiple of four is unparsed,
    one whose box has no area is `wrong_format`; both score 0.
    """
    said = _read(case.answer) or _Boxes([], None)
    golds: list[tuple[list[Box], list[Box]]] = []
    for reference in case.references:
        absent = says_nothing(reference)
        gold = _Boxes([], None) if absent else _read(reference)
        if gold is None or not (absent or gold.boxes):
            continue
        there = _scaled(gold, gold.size, options.gold_format, options.gold_scale, options.answer_scale)
        here = _scaled(said, gold.size, options.answer_format, options.answer_scale, options.gold_scale)
        if there is None or here is None or any(_area(box) <= 0 for box in there):
            continue
        golds.append((here, there))
    if not golds:
        return Score(value=None, detail=NO_GOLD)
    try:
        best = max(_overlap(here, there) for here, there in golds)
    except _TooLargeError as error:
        return Score(value=None, detail=str(error))
    spurious = not any(there for _, there in golds)
    if not said.boxes:
        nothing = not case.answer.strip() or read_json_found(case.answer).value in ([], {})
        if best == 1 and nothing:
            return Score(value=1.0, category="correct")
        return Score(value=0.0, category="missing" if nothing else "unparsed", detail="no box")
    if best == 1:
        return Score(value=1.0, category="correct")
    empty = all(_area(box) <= 0 for box in _corners(said.boxes, options.answer_format))
    return Score(value=best, category="spurious" if spurious else "wrong_format" if empty else "wrong_value")


def _read(text: str) -> _Boxes | None:
    """The boxes of a text; null when its numbers are no boxes."""
    found = read_json_found(text).value
    size = None
    if isinstance(found, dict):
        width, height = _number(found.get("width")), _number(found.get("height"))
        size = (width, height) if width and height and min(width, height) > 0 else None
    numbers: list[float | None] = []
    if found is None:
        numbers = [_number(each) for each in _NUMBER.findall(text)]
    else:
        _gather(found, numbers)
    if len(numbers) % 4 or any(each is None for each in numbers):
        return None
    known = [each for each in numbers if each is not None]
    return _Boxes([(a, b, c, d) for a, b, c, d in zip(*[iter(known)] * 4, strict=True)], size)


def _gather(value: JsonValue, into: list[float | None]) -> None:
    if isinstance(value, dict):
        for key in _KEYS:
            if key in value:
                _gather(value[key], into)
                return
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict | list):
                _gather(each, into)
            else:
                into.append(_number(each))


def _number(value: JsonValue) -> float | None:
    if not isinstance(value, str) or len(value) > 40 or not _NUMBER.fullmatch(value.strip()):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _corners(boxes: list[Box], form: str) -> list[Box]:
    if form == "xywh":
        return [(x, y, x + w, y + h) for x, y, w, h in boxes]
    if form == "cxcywh":
        return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in boxes]
    return [(x, y, right, bottom) for y, x, bottom, right in boxes] if form == "yxyx" else boxes


def _scaled(found: _Boxes, size: tuple[float, float] | None, form: str, scale: str, other: str) -> list[Box] | None:
    """Corners as shares of the picture, or as they are where both sides have the same scale; null without a size."""
    corners = _corners(found.boxes, form)
    if scale == other:
        return corners
    if scale == "pixel":
        if size is None:
            return None
        wide, high = size
    else:
        wide = high = _FULL[scale]
    return [(left / wide, top / high, right / wide, bottom / high) for left, top, right, bottom in corners]


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _iou(one: Box, other: Box) -> float:
    if one == other and _area(one) > 0:
        return 1.0
    both = _area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    either = _area(one) + _area(other) - both
    return min(1.0, both / either) if both and math.isfinite(either) else 0.0


def _overlap(here: list[Box], there: list[Box]) -> float:
    most = max(len(here), len(there))
    if not here or not there:
        return float(not most)
    # 1 - IoU is a distance, so no assignment is better than one that joins equal boxes first.
    ours, theirs = (Counter(box for box in side if _area(box) > 0) for side in (here, there))
    equal = (ours & theirs).total()
    here, there = ([*(side - other).elements()] for side, other in ((ours, theirs), (theirs, ours)))
    if not here or not there:
        return equal / most
    if len(here) > MOST_BOXES:
        raise _TooLargeError(f"too large: {len(here)} boxes, at most {MOST_BOXES} are compared")
    values = np.asarray([[_iou(one, other) for other in there] for one in here])
    rows, columns = linear_sum_assignment(values, maximize=True)
    return (equal + float(values[rows, columns].sum())) / most
