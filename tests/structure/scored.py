"""Score with the structural metrics."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from vlmbench_sdk import Case, Options, Score
from vlmbench_sdk.plugin_specs import resolve
from vlmbench_structure.plugin import vlmbench_metrics

METRICS = {plugin.name: plugin for plugin in vlmbench_metrics()}
Combine = Callable[[Sequence[Score], Options], float | None]


def score(name: str, answer: str, references: Sequence[str], options: dict[str, Any] | None = None) -> Score:
    plugin = METRICS[name]
    function = cast("Callable[[Case, Options], Score]", resolve(plugin.score, owner=name))
    identity: Callable[[str], str] = str
    return function(Case(answer, tuple(references), "text", identity), plugin.options(**(options or {})))


def combined(name: str, scores: list[Score], options: dict[str, Any] | None = None) -> float | None:
    plugin = METRICS[name]
    if plugin.combine:
        combine = cast("Combine", resolve(plugin.combine, owner=name))
        return combine(scores, plugin.options(**(options or {})))
    values = [each.value for each in scores if each.value is not None]
    return sum(values) / len(values) if values else None
