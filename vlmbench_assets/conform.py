"""Run metrics against their golden vectors, and the same vectors against peers that are installed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, ValidationError

from vlmbench_assets.peers import PEERS, Peer, PeerCase
from vlmbench_assets.yaml_file import YamlMistakeError, read_yaml
from vlmbench_sdk import Case, MetricPlugin, NormalizerPlugin, Options, PluginError, Score
from vlmbench_sdk.plugin_specs import resolve
from vlmbench_sdk.plugins import Plugins
from vlmbench_sdk.scoring import normalization, scorer_of
from vlmbench_sdk.vectors import Vector, VectorFile

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


def conform(plugins: Plugins, names: Sequence[str], *, peers: bool = False) -> Iterator[Checked]:
    """Run the vectors of some metrics, and with `peers` of the peers that measure the same."""
    for name in names:
        plugin = plugins.metrics[name]
        vectors = read_vectors(plugin)
        if not vectors:
            yield Checked(name, 0, "no vectors", "it brings no golden vectors, so nothing shows that it is right")
        for number, vector in enumerate(vectors, start=1):
            yield _own(plugin, vector, number, plugins.normalizers)
        for peer in PEERS if peers else ():
            if peer.metric == name:
                yield from _peer(peer, vectors, plugins.normalizers)


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


def _cases(vector: Vector) -> list[PeerCase]:
    if vector.cases:
        return [PeerCase(each.answer, each.references) for each in vector.cases]
    return [PeerCase(vector.answer or "", vector.references)]


def _peer(peer: Peer, vectors: Sequence[Vector], normalizers: Mapping[str, NormalizerPlugin]) -> Iterator[Checked]:
    function, why = peer.load()
    if function is None:
        yield Checked(peer.metric, 0, "not run", why, peer=peer.name)
        return
    for number, vector in enumerate(vectors, start=1):
        if vector.cases or not peer.takes(vector.options):
            continue
        normalize = normalization(vector.normalize if peer.normalized else (), normalizers)
        case = _cases(vector)[0]
        asked = PeerCase(normalize(case.answer), tuple(map(normalize, case.references)))
        try:
            value = peer.call(function, asked, vector.options)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            yield _checked(
                peer.metric, number, vector, "failed", f"it raised {type(error).__name__}: {error}", peer=peer
            )
            continue
        agrees = vector.holds(value)
        says = "" if agrees else "disagrees"
        yield _checked(peer.metric, number, vector, "ok" if agrees else "failed", says, value, peer)


def _checked(
    name: str,
    number: int,
    vector: Vector,
    state: State,
    says: str,
    value: float | None = None,
    peer: Peer | None = None,
) -> Checked:
    return Checked(
        metric=name,
        number=number,
        state=state,
        says=says,
        case=_shown(vector),
        expected=_number(vector.value),
        found="" if state == "not run" else _number(value),
        source=vector.source,
        peer=peer.name if peer else "",
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
