"""What needs no vLLM: options, entries, settings, prompts."""

import base64
import io
import json
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import JsonValue, TypeAdapter, ValidationError

from tests.vllm.recorded_vllm import FLAGS, RECORD
from vlmbench_sdk import (
    EnvironmentEntry,
    Example,
    Generation,
    ModelEntry,
    ModelError,
    ModelSettings,
    Request,
    RequestError,
)
from vlmbench_sdk.plugins import load_plugins
from vlmbench_vllm.backend import VllmModel
from vlmbench_vllm.plugin import VllmOptions, vlmbench_registries
from vlmbench_vllm.prompts import data_url, messages_of
from vlmbench_vllm.settings import NEUTRAL, argv_of, sampling_of

[REGISTRIES] = vlmbench_registries()
CONTENT = TypeAdapter(dict[str, JsonValue])


def test_the_plugin_is_found_and_loads_nothing_heavy() -> None:
    assert load_plugins().models["vllm"].options is VllmOptions
    assert find_spec("vllm") is None, "the host needs no vllm"


@pytest.mark.parametrize("path", sorted(REGISTRIES.glob("models/*.yaml")), ids=lambda path: path.stem)
def test_model_entries_are_abstract_and_fit_their_schema(path: Path) -> None:
    entry = ModelEntry.model_validate(CONTENT.validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))))
    VllmOptions.model_validate(entry.options)
    assert (entry.plugin, entry.abstract, entry.revision) == ("vllm", True, "")
    assert (REGISTRIES / "environments" / f"{entry.environment}.yaml").is_file()
    assert entry.generation.temperature == 0
    assert entry.gpus > 0
    with pytest.raises(ModelError, match="revision is required"):
        VllmModel(VllmOptions.model_validate(entry.options), ModelSettings(name="m")).load()


@pytest.mark.parametrize("path", sorted(REGISTRIES.glob("environments/*.yaml")), ids=lambda path: path.stem)
def test_environments_have_the_version_whose_signatures_are_recorded(path: Path) -> None:
    entry = EnvironmentEntry.model_validate(CONTENT.validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))))
    told = [*entry.options.get("requirements", []), entry.options.get("image", "")]  # type: ignore[misc]
    assert {f"vllm=={RECORD['version']}", f"vllm/vllm-openai:v{RECORD['version']}"} & {*told}


def test_an_environment_without_vllm_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLLM_NO_USAGE_STATS", "VLLM_LOGGING_LEVEL", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")
    model = VllmModel(VllmOptions(model=str(tmp_path)), ModelSettings(name="m"))
    with pytest.raises(ModelError, match="Run it in the environment `vllm`"):
        model.load()
    model.close()


def test_an_adapter_is_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLLM_NO_USAGE_STATS", "VLLM_LOGGING_LEVEL", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")
    with pytest.raises(ValidationError):
        VllmOptions(model="a/b", adapter="owner/name")
    for adapter, says in ((tmp_path / "none", "does not exist"), (tmp_path, "is no LoRA adapter")):
        model = VllmModel(VllmOptions(model=str(tmp_path), adapter=str(adapter)), ModelSettings(name="m"))
        with pytest.raises(ModelError, match=says):
            model.load()


def test_settings_are_the_entrys_else_the_weights_else_neutral() -> None:
    assert sampling_of(Generation(), {}) == {**NEUTRAL, "max_tokens": 512, "seed": None, "stop": []}
    saved: dict[str, JsonValue] = {"temperature": 0.6, "top_k": 20, "max_new_tokens": 99, "do_sample": True}
    kept = sampling_of(Generation(), saved)
    assert (kept["temperature"], kept["top_k"], kept["max_tokens"]) == (0.6, 20, 99)
    greedy = sampling_of(Generation(temperature=0, max_new_tokens=5), saved | {"repetition_penalty": 1.05})
    assert (greedy["top_k"], greedy["repetition_penalty"], greedy["max_tokens"]) == (0, 1.05, 5)


def test_all_flags_of_the_server_exist() -> None:
    arguments: dict[str, JsonValue] = {"model": "/m", "max_model_len": 9, "enforce_eager": False, "seed": 0}
    arguments |= {"enable_prefix_caching": True, "mm_processor_kwargs": {"max_pixels": 4}}
    argv = argv_of(arguments)
    assert argv == [
        *("/m", "--max-model-len", "9", "--no-enforce-eager", "--seed", "0", "--enable-prefix-caching"),
        *("--mm-processor-kwargs", '{"max_pixels": 4}'),
    ]
    flags = {each.removeprefix("--").removeprefix("no-") for each in argv if each.startswith("--")}
    assert flags <= FLAGS


def test_messages_hold_examples_and_pictures_in_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(name.encode())
    url = {name: f"data:image/png;base64,{base64.b64encode(name.encode()).decode()}" for name in ("a", "b")}
    request = Request(
        sample_id="s",
        images=(str(tmp_path / "b.png"),),
        prompt="Total?",
        system="Be brief.",
        examples=(Example(images=(str(tmp_path / "a.png"),), user="Date?", assistant="1.2.03"),),
    )
    shown = [{"type": "image_url", "image_url": {"url": url[name]}} for name in ("a", "b")]
    assert json.dumps(messages_of(request, None)) == json.dumps(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [shown[0], {"type": "text", "text": "Date?"}]},
            {"role": "assistant", "content": "1.2.03"},
            {"role": "user", "content": [shown[1], {"type": "text", "text": "Total?"}]},
        ]
    )


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(16, 64))
def test_only_larger_pictures_are_scaled(width: int, height: int, max_side: int) -> None:
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, "png")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.png"
        path.write_bytes(out.getvalue())
        content = base64.b64decode(data_url(path, max_side).partition(",")[2])
    if max(width, height) <= max_side:
        assert content == out.getvalue()
    else:
        with Image.open(io.BytesIO(content)) as scaled:
            assert max(scaled.size) == max_side


def test_a_picture_that_cannot_be_scaled_costs_its_request(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"none")
    with pytest.raises(RequestError, match=r"a.png: it cannot be read as a picture"):
        data_url(tmp_path / "a.png", 64)


def test_weights_that_say_greedy_are_greedy() -> None:
    assert sampling_of(Generation(temperature=None), {"do_sample": False})["temperature"] == 0
    assert sampling_of(Generation(temperature=0.5), {"do_sample": False})["temperature"] == 0.5
    assert sampling_of(Generation(temperature=None), {"do_sample": True, "temperature": 0.7})["temperature"] == 0.7
