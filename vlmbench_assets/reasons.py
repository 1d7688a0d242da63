"""Say in words how two lineages differ."""

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from vlmbench_assets.questions import QuestionChanges

PLAIN = {
    "answers": "answers changed",
    "gold": "references changed",
    "slices": "slices of the samples changed",
    "images": "samples changed",
    "samples": "samples changed",
    "metrics": "scores changed",
    "tuned": "on which split the prompts were tuned changed",
    "output contracts": "output contracts of the prompts changed",
    "aggregates": "aggregates changed",
    "dimensions": "dimensions changed",
    "page": "layout of the page changed",
    "method": "way of aggregating changed",
    "source": "files of the source changed",
    "state before": "the state that it is compared with changed",
    "shown as stale": "its page says that it is stale",
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


def prompts_reason(before: JsonValue, now: JsonValue) -> str:
    """Why rendered prompts differ: another collection, other words in it, or other questions in the samples.

    Args:
        before: The collection that was asked with, as `MadeFrom.prompts_used` has it; None where that is not known.
        now: The collection to ask with, likewise.
    """
    # Where the same words were pulled from changes no prompt.
    two = {name: now[name] for name in now if name != "pulled"} if isinstance(now, dict) else {}
    one = {name: two[name] for name in two if name == "name"}
    if isinstance(before, dict):
        one = {name: before[name] for name in before if name != "pulled"}
    if one == two:
        return "question changed"
    if "adapter" in {*one, *two} and {**one, "adapter": ""} == {**two, "adapter": ""}:
        adapters = [str(each.get("adapter", "(none)")) for each in (one, two)]
        return f"prompt adapter {adapters[0]} → {adapters[1]}"
    names = [each.get("name", "(none)") for each in (one, two)]
    return f"prompt {names[1]} changed" if names[0] == names[1] else f"prompts {names[0]} → {names[1]}"


def question_reasons(changes: QuestionChanges, prompts: str, total: int) -> Iterator[str]:
    """How the questions differ from those that were asked.

    Args:
        changes: Sample ids by kind of change.
        prompts: Why rendered prompts differ, if they do.
        total: How many samples there are now.
    """
    of = f"of {total} samples)"
    if changes.prompts:
        yield f"{prompts} ({len(changes.prompts)} {of}"
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
    """Parts of a metric that came or went as a whole, or with the headline, are worth no sentence of their own."""
    found = _METRIC.fullmatch(name)
    return not (found and ("headline" in changed or (found[2] and f"metric {found[1]}" in changed)))


def _sentence(name: str, before: str | None, now: str | None) -> str:
    if name == "dimensions" and before and now and (found := _dimensions(before.split(", "), now.split(", "))):
        return found
    if name in PLAIN:
        return PLAIN[name]
    metric = _METRIC.fullmatch(name)
    if metric and not metric[2]:
        return _metric(metric[1], before, now)
    if name.startswith("shown as stale "):
        return f"its page says that {name.removeprefix('shown as stale ')} is stale"
    if name.startswith(("model ", "leaderboard ")):
        return f"{name} {'joined' if before is None else 'left' if now is None else 'changed'}"
    shown = f"metric {metric[1]}: {metric[2]}" if metric else SHOWN_AS.get(name, name)
    return f"{shown} {_short(before)} → {_short(now)}"


def _dimensions(before: list[str], now: list[str]) -> str:
    """Which came and which went; empty where only their order changed, or they are too many to stand by name."""
    changes = [f"{each} added" for each in now if each not in before]
    changes += [f"{each} removed" for each in before if each not in now]
    named = not any(each.startswith("sha256 ") for each in (*before, *now))
    return f"dimensions: {', '.join(changes)}" if changes and named else ""


def _metric(name: str, before: str | None, now: str | None) -> str:
    def shown(metric_id: str) -> str:
        return metric_id if metric_id.partition("@")[0] == name else f"{name} ({metric_id})"

    if before is None:
        return f"metric {shown(now or '')} added"
    return f"metric {shown(before)} removed" if now is None else f"metric {shown(before)} → {shown(now)}"


def _short(value: str | None) -> str:
    return "(none)" if value is None else _HEX.sub(lambda found: found[0][:SHORTENED], value) or '""'
