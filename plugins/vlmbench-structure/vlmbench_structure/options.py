"""Options of the metrics; light, so that the host can read them without numpy."""

from typing import Literal

from pydantic import Field

from vlmbench_sdk import Options

Measure = Literal["precision", "recall", "f1"]


class ClassOptions(Options):
    """Options of `class_accuracy`."""

    classes: tuple[str, ...] = ()
    """What may be answered; an answer that names none of them, or several, is unparsed. Empty: the whole answer
    is the class."""


class ClassF1Options(ClassOptions):
    """Options of `class_f1`."""

    measure: Measure = "f1"
    """What is computed of each class."""
    average: Literal["macro", "weighted"] = "macro"
    """`macro` counts classes alike, `weighted` by how many samples they have."""


class LimitedOptions(Options):
    """Options of metrics that compare trees."""

    max_nodes: int = Field(default=2000, ge=1, le=5000)
    """Larger trees are not scored: the row is null and says so. Memory grows with its square, 128 MiB at 2,000."""
    timeout_s: float = Field(default=10.0, gt=0)
    """A comparison that takes longer is not scored: the row is null and says so. In seconds."""


class TedsOptions(LimitedOptions):
    """Options of `teds`."""

    structure_only: bool = False
    """Compare tags and spans, not what stands in the cells: TEDS-struct."""
    sections: bool = True
    """Whether `thead`, `tbody` and `tfoot` are nodes; false lets rows stand in the table itself."""
    count: Literal["nodes", "pubtabnet"] = "nodes"
    """`nodes` divides by the nodes of the tree, as the paper says. `pubtabnet` does what its script does: all
    elements below the table count, also those inside cells, and a `th` is no cell, its text not looked at."""


class JsonTedOptions(LimitedOptions):
    """Options of `json_ted`."""

    structure_only: bool = False
    """Compare keys and nesting, not values: structural fidelity."""


class KieF1Options(Options):
    """Options of `kie_f1`."""

    measure: Measure = "f1"
    """What is computed, of each sample and of the group."""
    numbers_by_value: bool = True
    """Compare values that are plain decimal numbers by value: 31.6, "31.60" and 31.600 are equal."""


Scale = Literal["pixel", "unit", "thousand"]


class BoxIouOptions(Options):
    """Options of `box_iou`."""

    answer_format: Literal["xyxy", "xywh", "cxcywh", "yxyx"] = "xyxy"
    """What the four numbers of the answer mean."""
    answer_scale: Scale = "pixel"
    """`pixel`, `unit` for 0 to 1, or `thousand` for 0 to 1000 of the picture's width and height."""
    gold_format: Literal["xyxy", "xywh", "cxcywh", "yxyx"] = "xyxy"
    """What the four numbers of the gold mean."""
    gold_scale: Scale = "pixel"
    """As `answer_scale`, of the gold. Pixels against a share of the picture need the gold's `width` and `height`."""


class LineItemsTotalOptions(Options):
    """Options of `line_items_total`."""

    items: str = "items"
    """Path of the list of line items, keys joined by dots."""
    amount: str = "amount"
    """Path of the amount inside an item."""
    total: str = "total"
    """Path of the total."""
    plus: tuple[str, ...] = ()
    """Paths of amounts that the total has on top, such as tax; one that is not there is 0."""
    minus: tuple[str, ...] = ()
    """Paths of amounts that are taken off, such as a discount."""
    tolerance: float = Field(default=0.01, ge=0)
    """How far the total may be off, in units of money."""
    decimal: Literal[".", ","] = "."
    """The decimal mark where one mark with three digits after it could be either."""


class ChecksumOptions(Options):
    """Options of `checksum`."""

    kind: Literal["inn", "snils", "iban"]
    """Which number it is."""
    path: str = ""
    """Path of the number in a JSON answer, keys joined by dots; empty takes the whole answer."""


class DateOrderOptions(Options):
    """Options of `date_order`."""

    earlier: str = "issue_date"
    """Path of the date that comes first, keys joined by dots."""
    later: str = "due_date"
    """Path of the date that comes after it, or on the same day."""
    order: Literal["dmy", "mdy", "ymd"] = "dmy"
    """How digits are read that do not tell by themselves."""


class AbsentHallucinationOptions(Options):
    """Options of `absent_hallucination`."""

    says_absent: tuple[str, ...] = (
        *("none", "null", "n/a", "na", "-", "not found", "not present", "not available", "not specified", "no data"),
        *("нет", "отсутствует", "не указано", "не найдено", "нет данных"),
    )
    """Answers that say that the field is not there, besides an empty one; compared after the normalisers and
    without regard to case."""
