"""Say in words how two lineages differ."""

import re
from collections.abc import Iterator, Mapping

from vlmbench_assets.questions import QuestionChanges

PLAIN = {
    "answers": "answers changed",
    "gold": "references changed",
    "slices": "slices of the samples changed",
    "samples": "samples changed",
    "metrics": "scores changed",
    "aggregates": "aggregates changed",
    "dimensions": "dimensions changed",
    "page": "layout of the page changed",
    "method": "way of aggregating changed",
    "source": "files of the source changed",
    "environment lock": "installed packages of the environment changed",
}
"""Names whose values say nothing to people."""
SHOWN_AS = {"revision": "model revision"}
SHORTENED = 12
_HEX = re.compile(r"[0-9a-f]{16,}")
_METRIC = re.compile(r"metric (\S+)(?: (.+))?")


def lineage_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """One sentence per difference, in the order of the new lineage."""
    names = [name for name in dict.fromkeys([*now, *before]) if before.get(name) != now.get(name)]
    return list(
        dict.fromkeys(_sentence(name, before.get(name), now.get(name)) for name in names if _worth(name, names))
    )


def question_reasons(changes: QuestionChanges, prompts: str | None, total: int) -> Iterator[str]:
    """How the questions differ from those that were asked.

    Args:
        changes: Sample ids by kind of change.
        prompts: Name of the prompt collection; None where each sample's own question is the prompt.
        total: How many samples there are now.
    """
    of = f"of {total} samples)"
    if changes.prompts:
        yield (
            f"prompt {prompts} changed ({len(changes.prompts)} {of}"
            if prompts
            else (f"question changed ({len(changes.prompts)} {of}")
        )
    if changes.images:
        yield f"image changed ({len(changes.images)} {of}"
    if changes.about:
        yield f"document, field, type or language changed ({len(changes.about)} {of}"
    if changes.added:
        yield f"{counted(len(changes.added), 'sample')} added"
    if changes.removed:
        yield f"{counted(len(changes.removed), 'sample')} removed"


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where due."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _worth(name: str, changed: list[str]) -> bool:
    """Parts of a metric that came or went as a whole are not worth a sentence of their own."""
    found = _METRIC.fullmatch(name)
    return not (found and found[2] and f"metric {found[1]}" in changed)


def _sentence(name: str, before: str | None, now: str | None) -> str:
    if name in PLAIN:
        return PLAIN[name]
    metric = _METRIC.fullmatch(name)
    if metric and not metric[2]:
        return _metric(metric[1], before, now)
    if name.startswith("model "):
        return f"{name} {'joined' if before is None else 'left' if now is None else 'changed'}"
    shown = f"metric {metric[1]}: {metric[2]}" if metric else SHOWN_AS.get(name, name)
    return f"{shown} {_short(before)} → {_short(now)}"


def _metric(name: str, before: str | None, now: str | None) -> str:
    def shown(metric_id: str) -> str:
        return metric_id if metric_id.partition("@")[0] == name else f"{name} ({metric_id})"

    if before is None:
        return f"metric {shown(now or '')} added"
    return f"metric {shown(before)} removed" if now is None else f"metric {shown(before)} → {shown(now)}"


def _short(value: str | None) -> str:
    return "(none)" if value is None else _HEX.sub(lambda found: found[0][:SHORTENED], value) or '""'
