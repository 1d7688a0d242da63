"""Registry files: every mistake of every file in one report, with file, line, key, found and allowed."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import write_yaml
from vlmbench_assets.catalog import Catalog, Cell, RegistryFolder, load_catalog
from vlmbench_assets.problems import CatalogMistakesError
from vlmbench_assets.yaml_file import YamlMistakeError, read_yaml
from vlmbench_sdk.plugins import load_plugins

MISTAKES = {
    "models/a": ("plugn: echo\n", "key `plugn`: there is no key `plugn`; did you mean `plugin`?"),
    "models/b": ("options: {}\n", "key `plugin`: this key is required"),
    "models/c": ("plugin: echo\noptions: {latency: 3}\n", "c.yaml:2: key `options.latency`: there is no key"),
    "models/d": ("plugin: echo\noptions:\n  batch_size: 0\n", "d.yaml:3: key `options.batch_size`: found 0"),
    "models/e": ("plugin: tesseractt\n", "no plugin installed named `tesseractt`; did you mean `tesseract`?"),
    "models/f": ("extends: nobody\nplugin: echo\n", "key `extends`: there is no entry in models `nobody`"),
    "models/g": ("extends: h\nplugin: echo\n", "goes in a circle: g → h → g"),
    "models/h": ("extends: g\nplugin: echo\n", "goes in a circle: h → g → h"),
    "models/i": ("plugin: echo\nplugin: echo\n", "i.yaml:2: key `plugin`: stands twice, first in line 1"),
    "models/j": ("plugin: [echo\n", "not YAML"),
    "models/k": ("plugin: !!python/object:os.system x\n", "tags such as"),
    "models/l": ("plugin: echo\n---\nplugin: echo\n", "more than one document"),
    "models/m": ("- echo\n", "must be a mapping"),
    "models/n": ("plugin: echo\nenvironment: moon\n", "there is no entry in environments named `moon`"),
    "models/o": ("plugin: echo\nprompts: poems\n", "there is no entry in prompts named `poems`"),
    "models/p": ("plugin: echo\ngeneration: {temperature: -1}\n", "key `generation.temperature`: found -1"),
    "models/q": ("abstract: true\nplugin: echo\n", ""),
    "datasets/a": ("reader: sroie\n", "reader `sroie` needs a folder or file to read"),
    "datasets/b": ("reader: synthetic\noptions: {kinds: [poem]}\n", "key `options.kinds.0`: found 'poem'"),
    "datasets/c": ("reader: synthetic\nmetrics: [anlss]\n", "did you mean `anls`?"),
    "metrics/mine": ("plugin: anls\nnormalize: [casefold, upper]\n", "there is no normaliser `upper`"),
    "metrics/one": ("plugin: anls\nnormalize: nfkc\n", "key `normalize`: found 'nfkc'; input should be a valid list"),
    "metrics/two": ("plugin: anls\napplies_to: text\n", "found 'text'; input should be a mapping of keys to values"),
    "metrics/low": ("plugin: cer\nthreshold: -1\n", "key `threshold`: found -1; `cer` gives values from 0: set"),
    "metrics/high": (
        "plugin: anls\nthreshold: 1.5\n",
        "high.yaml:2: key `threshold`: found 1.5; `anls` gives values from 0 up to 1",
    ),
    "metrics/ends": ("plugin: anls\nthreshold: 1\n", ""),
    "prompts/a": ("user: 'Read {{ questoin }}'\n", "there is no variable `questoin`; did you mean `question`?"),
    "prompts/b": ("user: '{% if %}'\n", "not a Jinja template"),
    "environments/a": ("kind: vnv\n", "did you mean `venv`?"),
    "environments/b": ("kind: venv\noptions: {requirement: [x]}\n", "did you mean `requirements`?"),
    "benchmarks/a": ("models: [q]\ndatasets: [receipts-en]\n", "`q` is abstract"),
    "benchmarks/b": ("models: []\ndatasets: [receipts-en]\n", "key `models`: found []"),
    "benchmarks/c": (
        "models: [echoo]\ndatasets: [receipts-en]\ndimensions: [overall, feild]\n",
        "there is no dimension `feild`; did you mean `field`?",
    ),
}


def load(root: Path) -> Catalog:
    plugins = load_plugins()
    folders = [RegistryFolder(path, f"plugin {info.distribution}") for path, info in plugins.registries]
    return load_catalog([RegistryFolder(root / "registries", "workspace"), *folders], plugins)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    for name, (text, _) in MISTAKES.items():
        write_yaml(tmp_path, name, text)
    write_yaml(tmp_path, "models/A", "plugin: echo\n")
    write_yaml(tmp_path, "modles/x", "plugin: echo\n")
    (tmp_path / "registries/models/bad name.yaml").write_text("plugin: echo\n", encoding="utf-8")
    (tmp_path / "registries/models/z.yml").write_text("plugin: echo\n", encoding="utf-8")
    (tmp_path / "registries/models/latin.yaml").write_bytes("plugin: \xe9".encode("latin-1"))
    with pytest.raises(CatalogMistakesError) as caught:
        load(tmp_path)
    said = [str(problem) for problem in caught.value.problems]
    for name, (_, expected) in MISTAKES.items():
        mine = [line for line in said if line.startswith(f"registries/{name}.yaml")]
        assert not expected or any(expected in line for line in mine), f"{name}: {expected!r} not in {mine}"
    assert not any("metrics/ends" in line for line in said)
    whole = "\n".join(said)
    for expected in ("by case only", "did you mean `models`?", "bad name", "NAME.yaml belong here", "is not UTF-8"):
        assert expected in whole


def test_words_stay_words(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [no, on, 1e5, 12:30, 2024-01-01, 0o7, yes]\nb: [true, 3, 2.5, null]\n", encoding="utf-8")
    data = read_yaml(path).data
    assert data["a"] == ["no", "on", "1e5", "12:30", "2024-01-01", "0o7", "yes"]
    assert data["b"] == [True, 3, 2.5, None]


def test_extending_merges_mappings_and_replaces_the_rest(tmp_path: Path) -> None:
    base = "abstract: true\ndescription: base\nplugin: echo\noptions: {answer: x, raise_on: [a, b]}\n"
    write_yaml(tmp_path, "models/base", base)
    write_yaml(tmp_path, "models/own", "extends: base\noptions: {raise_on: [c]}\n")
    catalog = load(tmp_path)
    assert "base" not in catalog.models
    own = catalog.models["own"]
    assert own.options == {"answer": "x", "raise_on": ["c"]}
    assert (own.abstract, own.description) == (False, "")


def test_the_workspace_overrides_a_plugin(tmp_path: Path) -> None:
    write_yaml(tmp_path, "models/tesseract", "plugin: echo\n")
    catalog = load(tmp_path)
    assert catalog.models["tesseract"].plugin == "echo"
    assert catalog.origin("models", "tesseract").overrides == "plugin vlmbench-ocr"


def test_a_cell_is_scored_by_its_dataset_and_its_benchmarks(tmp_path: Path) -> None:
    write_yaml(tmp_path, "models/m", "plugin: echo\n")
    write_yaml(tmp_path, "datasets/d", "reader: synthetic\nmetrics: [cer]\n")
    write_yaml(tmp_path, "benchmarks/one", "models: [m]\ndatasets: [d]\nmetrics: [anls]\nheadline: wer\n")
    write_yaml(tmp_path, "benchmarks/two", "models: [m]\ndatasets: [d]\nmetrics: [cer]\ndimensions: [field]\n")
    catalog = load(tmp_path)
    assert catalog.cells("one") == [Cell("m", "d")]
    assert catalog.metrics_of("d", "m") == ("cer", "wer", "anls")
    assert catalog.headline_of("d", "m") == "wer"
    assert catalog.dimensions_of("d", "m")[0] == "overall"
    assert catalog.metrics_of("receipts-en", "m") == ("exact_match", "anls", "cer")


@given(st.text())
def test_any_text_is_an_entry_or_a_named_mistake(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "a.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(YamlMistakeError):
        assert isinstance(read_yaml(path).data, dict)
