"""Check everything that one installed distribution offers: `python -m vlmbench_sdk.conformance ORDER FOUND`.

Runs in the plugin's own environment, where its libraries are; `vlmbench plugin test` makes that and reads what was
found. What needs knowledge of the plugin, such as known scores, is for its own tests (`vlmbench_sdk.testing`).
"""

import ast
import inspect
import os
import re
import struct
import sys
import tempfile
import textwrap
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol, cast

from pydantic import Field, JsonValue

from vlmbench_sdk.entries import Generation
from vlmbench_sdk.environments import Environment
from vlmbench_sdk.errors import EnvironmentUnavailableError, ModelError, PluginError
from vlmbench_sdk.model import ModelSettings
from vlmbench_sdk.plugin_specs import Options, resolve
from vlmbench_sdk.plugins import PluginInfo, Plugins, load_plugins
from vlmbench_sdk.records import Record, Request
from vlmbench_sdk.secrets import fill_secrets
from vlmbench_sdk.testing import check_many, check_model, check_normalizer, check_range, check_reader
from vlmbench_sdk.testing_environment import Ground, check_environment

HEAVY = ("torch", "transformers", "vllm", "numpy", "pandas", "PIL", "cv2", "onnxruntime", "tensorflow")
"""Libraries that a module with hooks must not import, because every command imports that module."""


class EntryToCheck(Record):
    """A registry entry that the plugin ships, as far as its plugin must accept it."""

    kind: Literal["models", "datasets", "metrics", "environments"]
    name: str
    plugin: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    revision: str = ""
    generation: Generation = Generation()


class Order(Record):
    """What is to be checked."""

    distribution: str
    kinds: tuple[str, ...] = ()
    """What to check of it: `plugin`, `models`, `datasets`, `metrics`, `normalizers`, `environments`, `charts`."""
    entries: tuple[EntryToCheck, ...] = ()
    """Entries of these kinds; what has none is checked with its default options."""
    elsewhere: tuple[EntryToCheck, ...] = ()
    """Entries that are checked in an environment of their own; here only their options are."""
    only_entries: bool = False
    """Whether what has no entry here is left to another run, in another environment."""


class Finding(Record):
    """One promise, and whether it is kept."""

    what: str
    state: Literal["ok", "failed", "not checked"]
    says: str
    """What was checked, what is wrong, or why it was not checked."""


class Found(Record):
    """What a distribution offers, and what was found."""

    version: str = ""
    offers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Names by hook."""
    registries: tuple[str, ...] = ()
    """Folders of entries that it ships."""
    findings: tuple[Finding, ...] = ()


def conform(order: Order) -> Found:
    """Check what one distribution offers; a broken promise is a finding, never an exception."""
    try:
        plugins = load_plugins()
    except PluginError as error:
        return Found(findings=(Finding(what="loading", state="failed", says=str(error)),))
    infos = [info for info in plugins.infos if canonical(info.distribution) == canonical(order.distribution)]
    if not infos:
        says = "installing it brings no plugin. Declare an entry point in the group `vlmbench` in its pyproject.toml"
        return Found(findings=(Finding(what="loading", state="failed", says=says),))
    checks = _Checks(plugins, infos, order)
    findings = tuple(finding for kind in order.kinds for finding in checks.of(kind))
    return Found(
        version=infos[0].version,
        offers=offers_of(plugins, infos),
        registries=tuple(str(path) for path, info in plugins.registries if info in infos),
        findings=findings,
    )


def offers_of(plugins: Plugins, infos: list[PluginInfo]) -> dict[str, tuple[str, ...]]:
    """What some plugins offer: names by hook."""
    found: dict[str, tuple[str, ...]] = {}
    for (hook, name), owner in plugins.owners.items():
        if owner in infos:
            found[hook] = (*found.get(hook, ()), name)
    return found


def canonical(distribution: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


class _Spec(Protocol):
    """What the descriptions of all kinds with options have in common."""

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> type[Options]: ...


class _Checks:
    """The checks of one distribution."""

    def __init__(self, plugins: Plugins, infos: list[PluginInfo], order: Order) -> None:
        self._plugins = plugins
        self._infos = infos
        self._order = order

    def of(self, kind: str) -> Iterator[Finding]:
        if kind == "plugin":
            yield from self._light()
        elif kind == "models":
            yield from self._each("vlmbench_models", "models", self._plugins.models, self._model)
        elif kind == "datasets":
            yield from self._each("vlmbench_dataset_readers", "datasets", self._plugins.dataset_readers, self._reader)
        elif kind == "metrics":
            yield from self._each("vlmbench_metrics", "metrics", self._plugins.metrics, self._metric)
        elif kind == "environments":
            yield from self._each(
                "vlmbench_environments", "environments", self._plugins.environments, self._environment
            )
        elif kind == "normalizers":
            for name in self._own("vlmbench_normalizers"):
                yield _try(f"normaliser {name}", partial(self._normalizer, name))
        elif kind == "charts":
            for name in self._own("vlmbench_charts"):
                yield _try(f"chart {name}", partial(self._chart, name))

    def _own(self, hook: str) -> list[str]:
        return [name for (each, name), owner in self._plugins.owners.items() if each == hook and owner in self._infos]

    def _light(self) -> Iterator[Finding]:
        for info in self._infos:
            loaded = sorted(name for name in HEAVY if name in sys.modules)
            # `resolve` has imported nothing yet, so a backend that is there was imported by the module with hooks.
            backends = [spec.backend.partition(":")[0] for spec in self._plugins.models.values()]
            loaded += [f"the backend {module}" for module in backends if module in sys.modules]
            says = f"it imports {', '.join(loaded)}, and so would every command. Import that in the backend only"
            state: Literal["ok", "failed"] = "failed" if loaded else "ok"
            yield Finding(what=f"module {info.module}", state=state, says=says if loaded else "it is light")

    def _each(
        self,
        hook: str,
        kind: str,
        specs: Mapping[str, "_Spec"],
        check: "Callable[[_Spec, EntryToCheck | None], str]",
    ) -> Iterator[Finding]:
        """Check what it offers with each of its entries, or else with default options; and options' own promises."""
        for name in self._own(hook):
            what = f"{SINGULAR[kind]} {name}"
            entries, elsewhere = (
                [each for each in listed if (each.kind, each.plugin) == (kind, name)]
                for listed in (self._order.entries, self._order.elsewhere)
            )
            if not self._order.only_entries:
                yield _try(f"{what}, its options", partial(_check_options, specs[name].options))
            for entry in elsewhere:
                yield _try(f"{what}, entry {entry.name}", partial(_fit, specs[name].options, entry))
            for entry in entries:
                yield _try(f"{what}, entry {entry.name}", partial(check, specs[name], entry))
            if not entries and not elsewhere and not self._order.only_entries:
                yield _try(what, partial(check, specs[name], None))

    def _model(self, spec: "_Spec", entry: EntryToCheck | None) -> str:
        plugin = self._plugins.models[spec.name]
        options = fill_secrets(dict(entry.options) if entry else {}, os.environ)
        settings = ModelSettings(
            name=entry.name if entry else spec.name,
            revision=entry.revision if entry else "",
            generation=entry.generation if entry else Generation(),
        )
        with tempfile.TemporaryDirectory() as folder:
            requests = list(_requests(Path(folder)))
            answers = check_model(plugin, requests, cast("dict[str, JsonValue]", options), settings)
        failed = [answer for answer in answers if answer.error]
        assert_(len(failed) < len(answers), f"it answers no request: {failed[0].error if failed else ''}")
        return f"it loads, answers each of {len(requests)} requests once, and closes"

    def _reader(self, spec: "_Spec", entry: EntryToCheck | None) -> str:
        plugin = self._plugins.dataset_readers[spec.name]
        if plugin.needs_source:
            resolve(plugin.read, owner=f"dataset reader {plugin.name}")
            raise NotCheckedError("it reads files; its own tests can call vlmbench_sdk.testing.check_reader")
        samples = check_reader(plugin, None, entry.options if entry else None)
        return f"it reads {len(samples)} samples, twice the same, with unique ids and images that are there"

    def _metric(self, spec: "_Spec", entry: EntryToCheck | None) -> str:
        plugin, options = self._plugins.metrics[spec.name], entry.options if entry else None
        check_range(plugin, options)
        if plugin.score_many is None:
            return "no text makes it raise or leave its range"
        check_many(plugin, options)
        return "no text makes it raise or leave its range, and score_many says what score says"

    def _environment(self, spec: "_Spec", entry: EntryToCheck | None) -> str:
        plugin = self._plugins.environments[spec.name]
        found = resolve(plugin.environment, owner=f"environment plugin {plugin.name}")
        fits = isinstance(found, type) and issubclass(found, Environment)
        assert_(fits, f"{plugin.environment} is not a subclass of vlmbench_sdk.Environment")
        make = cast("type[Environment[Options]]", found)
        options = plugin.options.model_validate(entry.options if entry else {})
        with tempfile.TemporaryDirectory() as folder:
            ground = Ground(lambda name, cache: make(options, name=name, cache=cache), Path(folder))
            return "; ".join(check_environment(ground))

    def _normalizer(self, name: str) -> str:
        check_normalizer(self._plugins.normalizers[name])
        return "it takes any text, and doing it twice changes nothing more"

    def _chart(self, name: str) -> str:
        resolve(self._plugins.charts[name].draw, owner=f"chart {name}")
        return "it can be imported"


class NotCheckedError(Exception):
    """A promise that cannot be checked here, with the reason."""


SINGULAR = {"models": "model", "datasets": "dataset reader", "metrics": "metric", "environments": "environment"}


def assert_(holds: bool, says: str) -> None:  # noqa: FBT001 - reads as the statement does, which `python -O` drops
    """Raise AssertionError with a sentence unless something holds."""
    if not holds:
        raise AssertionError(says)


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what=what, state="ok", says=check())
    except AssertionError as broken:
        return Finding(what=what, state="failed", says=str(broken))
    except (ModelError, EnvironmentUnavailableError, NotCheckedError) as missing:
        return Finding(what=what, state="not checked", says=str(missing))
    except Exception as error:  # noqa: BLE001 - boundary: a plugin may raise anything, and that is the finding
        return Finding(what=what, state="failed", says=f"it raised {type(error).__name__}: {error}")


def _fit(options: type[Options], entry: EntryToCheck) -> str:
    options.model_validate(entry.options)
    return "its options fit the plugin"


def _check_options(options: type[Options]) -> str:
    unknown = sorted(options.without_effect - set(options.model_fields))
    assert_(not unknown, f"without_effect names options that there are not: {', '.join(unknown)}")
    bare = sorted(set(options.model_fields) - _described(options))
    assert_(not bare, f"no docstring stands under its options {', '.join(bare)}; people read it in lists and pages")
    return "each is described" if options.model_fields else "it has none"


def _described(options: type[Options]) -> set[str]:
    """Fields that a string follows, or that are given a description."""
    found = {name for name, field in options.model_fields.items() if field.description}
    for cls in options.__mro__:
        if not issubclass(cls, Options):
            continue
        body = cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]).body
        for node, after in pairwise(body):
            named = isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found.add(cast("ast.Name", cast("ast.AnnAssign", node).target).id)
    return found


def _requests(folder: Path) -> Iterator[Request]:
    """Two pages and four questions, one of them in another alphabet and one without words."""
    pages = []
    for index, shade in enumerate((255, 200)):
        page = folder / f"page-{index}.png"
        page.write_bytes(_png(96, 64, shade))
        pages.append(str(page))
    asked = ("What is the total?", "Какая сумма?", "?", "Read the page.\n\n" + "Really. " * 50)
    for index, prompt in enumerate(asked):
        images = tuple(pages) if index == 1 else (pages[index % 2],)
        yield Request(sample_id=f"s{index}", images=images, prompt=prompt, doc_id=f"d{index}", field="total")


def _png(width: int, height: int, shade: int) -> bytes:
    """A grey page with a dark bar, as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes(20 if height // 3 < y < height // 2 and x > width // 4 else shade for x in range(width))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main(arguments: list[str]) -> int:
    """Read an order, check, and write what was found."""
    order = Order.model_validate_json(Path(arguments[0]).read_bytes())
    Path(arguments[1]).write_text(conform(order).model_dump_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
