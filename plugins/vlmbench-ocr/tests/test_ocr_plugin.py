"""The plugin is found, its options are closed, and its entries fit their schemas."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue, TypeAdapter, ValidationError

from vlmbench_ocr.plugin import RapidOptions, TesseractOptions, vlmbench_models, vlmbench_registries
from vlmbench_sdk import EnvironmentEntry, ModelEntry
from vlmbench_sdk.plugins import load_plugins

[REGISTRIES] = vlmbench_registries()
CONTENT = OPTIONS = TypeAdapter(dict[str, JsonValue])


def entry(path: Path) -> dict[str, JsonValue]:
    """Read an entry with what it extends merged in, as the catalog does."""
    content = CONTENT.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    base = content.pop("extends", None)
    if base is None:
        return content
    parent = entry(path.with_name(f"{base}.yaml"))
    options = {**OPTIONS.validate_python(parent.get("options", {})), **OPTIONS.validate_python(content["options"])}
    return {**parent, **content, "options": options}


def test_both_models_are_offered_by_the_installed_plugin() -> None:
    plugins = load_plugins()
    assert {"rapidocr", "tesseract"} <= set(plugins.models)
    assert plugins.owners["vlmbench_models", "tesseract"].distribution == "vlmbench-ocr"


@pytest.mark.parametrize("path", sorted(REGISTRIES.glob("models/*.yaml")), ids=lambda path: path.stem)
def test_model_entries_fit_their_plugin_and_name_an_environment_shipped_here(path: Path) -> None:
    model = ModelEntry.model_validate(entry(path))
    plugin = {plugin.name: plugin for plugin in vlmbench_models()}[model.plugin]
    plugin.options.model_validate(model.options)
    assert (REGISTRIES / "environments" / f"{model.environment}.yaml").is_file()


@pytest.mark.parametrize("path", sorted(REGISTRIES.glob("environments/*.yaml")), ids=lambda path: path.stem)
def test_environments_pin_every_requirement(path: Path) -> None:
    environment = EnvironmentEntry.model_validate(entry(path))
    requirements = environment.options["requirements"]
    assert isinstance(requirements, list)
    assert all("==" in str(line) for line in requirements)


def test_the_small_variant_differs_in_the_side_only() -> None:
    full, small = (entry(REGISTRIES / "models" / f"{name}.yaml") for name in ("rapidocr", "rapidocr-small"))
    assert RapidOptions.model_validate(small["options"]).max_side is not None
    for name in ("plugin", "environment"):
        assert full[name] == small[name]


@pytest.mark.parametrize("options", [{"max_side": 10}, {"text_score": 2}, {"threads": 0}, {"languages": "ru"}])
def test_options_out_of_range_or_unknown_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RapidOptions.model_validate(options)


@pytest.mark.parametrize("languages", ["", "rus,eng", "rus eng", "+eng"])
def test_languages_are_codes_joined_by_plus(languages: str) -> None:
    with pytest.raises(ValidationError):
        TesseractOptions.model_validate({"languages": languages})


def test_the_package_is_typed() -> None:
    found = find_spec("vlmbench_ocr")
    assert found is not None
    assert found.origin is not None
    assert (Path(found.origin).parent / "py.typed").is_file()
