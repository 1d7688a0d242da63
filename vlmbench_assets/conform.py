"""Run metrics against their golden vectors, and the same vectors against peers that are installed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, ValidationError

from vlmbench_assets.ask_peers import ask
from vlmbench_assets.peer_process import Reply
from vlmbench_assets.peers import PEERS, Peer
from vlmbench_assets.yaml_file import YamlMistakeError, read_yaml
from vlmbench_sdk import Case, MetricPlugin, NormalizerPlugin, Options, PluginError, Score
from vlmbench_sdk.plugin_specs import resolve
from vlmbench_sdk.plugins import Plugins
from vlmbench_sdk.scoring import normalization, scorer_of
from vlmbench_sdk.vectors import Vector, VectorCase, VectorFile

State = Literal["ok", "failed", "not run", "no vectors"]
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Checked:
    """One vector, and what a metric or a peer says."""

    metric: str
    number: int
    """Which vector of the file, from 1; 0 when the whole file is meant."""
    state: State
    says: str = ""
    """What was found, or why it was not run."""
    case: str = ""
    expected: str = ""
    found: str = ""
    source: str = ""
    peer: str = ""
    """Whose answer it is; empty for the metric itself."""
    version: str = ""
    """The peer's, as installed."""

    def row(self) -> dict[str, JsonValue]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_vectors(plugin: MetricPlugin) -> tuple[Vector, ...]:
    """Read a metric's golden vectors; none where it has no file.

    Raises:
        PluginError: When its file cannot be read, or breaks the schema of `vlmbench_sdk.vectors`.
    """
    path = plugin.vectors
    if path is None:
        return ()
    try:
        return VectorFile.model_validate(read_yaml(Path(path)).data).vectors
    except YamlMistakeError as error:
        raise PluginError(f"line {error.line}, {error.key}: {error.says}", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise PluginError(f"{at}: {first['msg']}", where=str(path), fix="See vlmbench_sdk.vectors") from error
    except OSError as error:
        raise PluginError(f"it cannot be read ({error})", where=str(path)) from error


def conform(plugins: Plugins, names: Sequence[str], *, pythons: Sequence[Path] = ()) -> Iterator[Checked]:
    """Run the vectors of some metrics, and ask the peers that measure the same in some Pythons.

    Raises:
        PluginError: When a file of vectors is wrong, or a path is no Python.
    """
    read = {name: read_vectors(plugins.metrics[name]) for name in names}
    asked = _ask_peers(pythons, read, plugins.normalizers)
    for name, vectors in read.items():
        plugin = plugins.metrics[name]
        if not vectors:
            yield Checked(name, 0, "no vectors", "it brings no golden vectors, so nothing shows that it is right")
        for number, vector in enumerate(vectors, start=1):
            yield _own(plugin, vector, number, plugins.normalizers)
        yield from asked.get(name, ())


def _own(plugin: MetricPlugin, vector: Vector, number: int, normalizers: Mapping[str, NormalizerPlugin]) -> Checked:
    try:
        options = plugin.options.model_validate(vector.options)
    except ValidationError as error:
        return _checked(plugin.name, number, vector, "failed", f"its options do not fit: {error.errors()[0]['msg']}")
    try:
        value, category = _scored(plugin, vector, options, normalizers)
    except PluginError as error:
        # Heavy libraries live in a metric's own environment, and need not be installed here.
        return _checked(plugin.name, number, vector, "not run", str(error))
    if not vector.holds(value):
        return _checked(plugin.name, number, vector, "failed", "another value", value)
    if vector.category is not None and category != vector.category:
        return _checked(
            plugin.name, number, vector, "failed", f"category {category or '(none)'}, not {vector.category}", value
        )
    return _checked(plugin.name, number, vector, "ok", "", value)


def _scored(
    plugin: MetricPlugin, vector: Vector, options: Options, normalizers: Mapping[str, NormalizerPlugin]
) -> tuple[float | None, str]:
    """The value of a vector's answer or group, and the category of its answer."""
    scorer = scorer_of(plugin)
    missing = [name for name in vector.normalize if name not in normalizers]
    if missing:
        raise PluginError(f"no normaliser named {missing[0]!r} is installed")
    normalize = normalization(vector.normalize, normalizers)
    scores = [
        scorer(Case(case.answer, case.references, vector.answer_type, normalize), options) for case in _cases(vector)
    ]
    if not vector.cases:
        return scores[0].value, scores[0].category
    return group_value(plugin, scores, options), ""


def group_value(plugin: MetricPlugin, scores: Sequence[Score], options: Options) -> float | None:
    """The aggregate of scores, as the metric declares it: combined, over the corpus, or the mean."""
    if plugin.combine is not None:
        combine = resolve(plugin.combine, owner=f"metric {plugin.metric_id}")
        if not callable(combine):
            raise PluginError(f"{plugin.combine!r} is not a function", where=f"metric {plugin.metric_id}")
        found = combine(scores, options)
        return None if found is None else float(found)
    known = [(each.value, each.weight if plugin.aggregate == "corpus" else 1.0) for each in scores]
    weighed = [(value, weight) for value, weight in known if value is not None]
    total = sum(weight for _, weight in weighed)
    return sum(value * weight for value, weight in weighed) / total if total else None


def _cases(vector: Vector) -> Sequence[VectorCase]:
    return vector.cases or [VectorCase(answer=vector.answer or "", references=vector.references)]


def _ask_peers(
    pythons: Sequence[Path], read: Mapping[str, Sequence[Vector]], normalizers: Mapping[str, NormalizerPlugin]
) -> dict[str, list[Checked]]:
    """What peers say, by metric; of the same version of a peer in two Pythons, the first is heard."""
    asked = [
        (peer, number, vector, peer.question(vector, normalization(vector.normalize, normalizers)))
        for peer in PEERS
        for number, vector in enumerate(read.get(peer.metric, ()), start=1)
        if peer.takes(vector)
    ]
    found: dict[tuple[str, str, str, int], Checked] = {}
    absent: dict[tuple[str, str], Checked] = {}
    for python in pythons:
        replies = ask(python, [question for *_, question in asked])
        for (peer, number, vector, _), reply in zip(asked, replies, strict=True):
            if "absent" in reply:
                missing = Checked(peer.metric, 0, "not run", reply["absent"], peer=peer.name)
                absent[peer.metric, peer.name] = missing
                continue
            checked = _said(peer, number, vector, reply)
            found.setdefault((peer.metric, peer.name, checked.version, checked.number), checked)
    heard = {(metric, name) for metric, name, *_ in found}
    by_metric: dict[str, list[Checked]] = {}
    for checked in [*found.values(), *(each for key, each in absent.items() if key not in heard)]:
        by_metric.setdefault(checked.metric, []).append(checked)
    return by_metric


def _said(peer: Peer, number: int, vector: Vector, reply: Reply) -> Checked:
    """A peer's reply, held against the vector."""
    version = "" if peer.is_ours else reply.get("version", "")
    if "broken" in reply:
        return Checked(peer.metric, 0, "not run", reply["broken"], peer=peer.name, version=version)
    value = reply.get("value")
    agrees = value is not None and vector.holds(value)
    says = "" if agrees else peer.reason(vector)
    checked = _checked(peer.metric, number, vector, "ok" if agrees else "failed", reply.get("raised", says), value)
    return replace(checked, peer=peer.name, version=version, found="" if value is None else checked.found)


def _checked(name: str, number: int, vector: Vector, state: State, says: str, value: float | None = None) -> Checked:
    return Checked(
        metric=name,
        number=number,
        state=state,
        says=says,
        case=_shown(vector),
        expected=_number(vector.value),
        found="" if state == "not run" else _number(value),
        source=vector.source,
    )


def _shown(vector: Vector) -> str:
    if vector.cases:
        return f"{len(vector.cases)} answers"
    answer, golds = repr(vector.answer), " / ".join(map(repr, vector.references))
    return f"{_cut(answer)} against {_cut(golds)}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
