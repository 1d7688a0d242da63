"""Plugins load loudly: every mistake names plugin, distribution and module."""

import ast
import inspect
from pathlib import Path

import pytest

import vlmbench_sdk
from vlmbench_sdk import PluginError, hookspecs
from vlmbench_sdk.plugins import load_plugins

HEAD = "from vlmbench_sdk import MetricPlugin, hookimpl\n"
METRIC = "MetricPlugin(name='{}', version=1, score='x:y')"


def install(folder: Path, name: str, source: str | None) -> None:
    """Lay out an installed distribution as pip would, with a plugin module or a folder of YAML."""
    info = folder / f"{name}-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[vlmbench]\n{name} = {name}\n", encoding="utf-8")
    if source is None:
        entry = folder / name / "registries" / "models"
        entry.mkdir(parents=True)
        (entry / "parrot.yaml").write_text("plugin: echo\n", encoding="utf-8")
    else:
        (folder / f"{name}.py").write_text(source, encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (HEAD + "@hookimpl\ndef vlmbench_metric():\n    return []\n", "vlmbench_metric"),
        (HEAD + "def vlmbench_metrics():\n    return []\n", "not marked"),
        ("import no_such_library\n", "no_such_library"),
        (HEAD + "@hookimpl\ndef vlmbench_metrics():\n    return 3\n", "must return a list"),
        (HEAD + "@hookimpl\ndef vlmbench_metrics():\n    return ['anls']\n", "list of MetricPlugin"),
        (HEAD + "@hookimpl\ndef vlmbench_metrics():\n    raise OSError('disk')\n", "raised OSError: disk"),
        (HEAD + f"@hookimpl\ndef vlmbench_metrics():\n    return [{METRIC.format('anls')}]\n", "vlmbench-metrics"),
        (HEAD + "@hookimpl\ndef vlmbench_registries():\n    return ['nowhere']\n", "is not a folder"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str
) -> None:
    name = f"bad_plugin_{abs(hash(source))}"
    install(tmp_path, name, source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match=says) as caught:
        load_plugins()
    if says != "vlmbench-metrics":
        assert f"plugin {name!r} of {name} 1.5 ({name})" in str(caught.value)
    else:
        assert name in str(caught.value)


def test_a_plugin_may_be_yaml_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "yaml_only", None)
    monkeypatch.syspath_prepend(tmp_path)
    assert tmp_path / "yaml_only" / "registries" in [folder for folder, _ in load_plugins().registries]


def test_the_public_surface_is_a_sorted_documented_list() -> None:
    exported = {name: getattr(vlmbench_sdk, name) for name in vlmbench_sdk.__all__}
    assert set(exported) == {
        name for name, value in vars(vlmbench_sdk).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    for name, value in exported.items():
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


def test_hooks_fit_one_screen_and_say_when_they_are_called() -> None:
    assert len(inspect.getsource(hookspecs).splitlines()) <= 90
    for name, function in vars(hookspecs).items():
        if name.startswith("vlmbench_"):
            assert (inspect.getdoc(function) or "").startswith("Return"), name


def test_the_sdk_has_no_any() -> None:
    folder = Path(vlmbench_sdk.__file__).parent
    for path in folder.glob("*.py"):
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }
        assert "Any" not in names, path
