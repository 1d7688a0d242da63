"""What needs no torch: options, entries, sources, prompts, settings, batches."""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL.Image import Image
from pydantic import JsonValue, TypeAdapter, ValidationError

from vlmbench_sdk import Answer, EnvironmentEntry, Example, Generation, ModelEntry, ModelError, ModelSettings, Request
from vlmbench_sdk.plugins import load_plugins
from vlmbench_sdk.weights import digest_of, find
from vlmbench_transformers.backend import TransformersModel
from vlmbench_transformers.batching import Sizes, one_ahead, read_ahead
from vlmbench_transformers.engine import Shown, Written
from vlmbench_transformers.plugin import TransformersOptions, vlmbench_registries
from vlmbench_transformers.prompts import messages, pictures_of, plain
from vlmbench_transformers.settings import cut, generate_arguments

[REGISTRIES] = vlmbench_registries()
CONTENT = TypeAdapter(dict[str, JsonValue])


def test_the_plugin_is_found_and_loads_nothing_heavy() -> None:
    assert load_plugins().models["transformers"].options is TransformersOptions
    assert find_spec("torch") is None, "the host needs no torch"


@pytest.mark.parametrize("path", sorted(REGISTRIES.glob("models/*.yaml")), ids=lambda path: path.stem)
def test_model_entries_are_abstract_or_pinned_and_fit_their_schema(path: Path) -> None:
    entry = ModelEntry.model_validate(CONTENT.validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))))
    TransformersOptions.model_validate(entry.options)
    assert entry.plugin == "transformers"
    assert entry.abstract or len(entry.revision) == 40
    assert (REGISTRIES / "environments" / f"{entry.environment}.yaml").is_file()
    assert entry.generation.temperature == 0


@pytest.mark.parametrize("path", sorted(REGISTRIES.glob("environments/*.yaml")), ids=lambda path: path.stem)
def test_environments_pin_every_requirement(path: Path) -> None:
    entry = EnvironmentEntry.model_validate(CONTENT.validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))))
    requirements = entry.options["requirements"]
    assert isinstance(requirements, list)
    assert all("==" in str(line) for line in requirements)


@pytest.mark.parametrize("source", ["relative/../x", "name", "a/b/c", "./here", ""])
def test_a_source_is_an_absolute_folder_or_owner_and_name(source: str) -> None:
    with pytest.raises(ValidationError):
        TransformersOptions(model=source)


@pytest.mark.parametrize("revision", ["", "main", "abc123", "A" * 40])
def test_a_model_of_the_hub_needs_a_commit(revision: str) -> None:
    with pytest.raises(ModelError, match="40 hexadecimal digits") as caught:
        find("owner/name", revision, where="model m")
    assert "`revision`" in str(caught.value)
    pinned = find("owner/name", "a" * 40, where="model m")
    assert not pinned.local


def test_a_folder_is_known_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    first = find(str(tmp_path), "", where="model m")
    assert first.local
    assert find(str(tmp_path), first.digest, where="model m") == first
    (tmp_path / "config.json").write_text("{ }", encoding="utf-8")
    with pytest.raises(ModelError, match=f"revision: {digest_of(tmp_path)}"):
        find(str(tmp_path), first.digest, where="model m")


def test_an_environment_without_torch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
    model = TransformersModel(TransformersOptions(model=str(tmp_path)), ModelSettings(name="m"))
    with pytest.raises(ModelError, match="Run it in the environment `transformers`"):
        model.load()
    model.close()


def request(prompt: str = "Total?", system: str = "", images: int = 1) -> Request:
    return Request(sample_id="s", images=("a.png",) * images, prompt=prompt, system=system)


def test_messages_hold_the_system_prompt_then_pictures_then_the_question() -> None:
    assert json.dumps(messages(request(system="Be brief.", images=2))) == json.dumps(
        [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {
                "role": "user",
                "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "Total?"}],
            },
        ]
    )
    assert [turn["role"] for turn in messages(request())] == ["user"]


def test_examples_stand_before_the_question_with_their_own_pictures() -> None:
    shown = Example(images=("e.png",), image_sha256=("0" * 64,), user="Date?", assistant="2024-05-12")
    asked = request(images=2).model_copy(update={"examples": (shown,)})
    assert [turn["role"] for turn in messages(asked)] == ["user", "assistant", "user"]
    assert [len(turn["content"]) for turn in messages(asked)] == [2, 1, 3]
    assert pictures_of(asked) == ("e.png", "a.png", "a.png")


def test_examples_without_a_chat_template_are_a_row_not_left_out(tmp_path: Path) -> None:
    options = TransformersOptions(model=str(tmp_path), prompt_format="{images}{prompt}")
    shown = request().model_copy(update={"examples": (Example(user="Date?", assistant="2024-05-12"),)})
    answer = TransformersModel(options, ModelSettings(name="m"))._show(shown)
    assert isinstance(answer, Answer)
    assert answer.status == "error"
    assert answer.error == "the prompt has examples, for which `prompt_format` has no place"


@pytest.mark.parametrize(
    ("form", "lost"),
    [("{images}{prompt}", "a system prompt"), ("{system}{prompt}", "images"), ("{images}{system}", "a question")],
)
def test_what_a_plain_prompt_would_leave_out_is_a_row(tmp_path: Path, form: str, lost: str) -> None:
    options = TransformersOptions(model=str(tmp_path), prompt_format=form)
    answer = TransformersModel(options, ModelSettings(name="m"))._show(request(system="Be brief."))
    assert isinstance(answer, Answer)
    assert answer.error == f"the prompt has {lost}, for which `prompt_format` has no place"


class FullMemory:
    """An engine whose memory holds so many tokens at once; a request is as long as its question."""

    reproducible_together = True

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def show(self, request: Request, pictures: tuple[Image, ...]) -> Shown:
        return Shown(request, pictures, request.prompt)

    def length(self, shown: Shown) -> int:
        return len(shown.text)

    def prepare(self, batch: list[Shown]) -> list[Shown]:
        return list(batch)

    def generate(self, batch: list[Shown]) -> list[Written]:
        if sum(map(self.length, batch)) > self.tokens:
            raise MemoryError("no room")
        return [Written(each.text, "stop", len(each.text), 1) for each in batch]

    def facts(self) -> dict[str, JsonValue]:
        return {}


def test_a_batch_that_memory_does_not_hold_is_halved_and_one_that_never_fits_costs_its_own_answer(
    tmp_path: Path,
) -> None:
    model = TransformersModel(TransformersOptions(model=str(tmp_path), batch_size=8), ModelSettings(name="m"))
    model._engine = FullMemory(100)  # type: ignore[assignment]
    lengths = [30] * 9 + [101]
    asked = [Request(sample_id=str(number), images=(), prompt="x" * length) for number, length in enumerate(lengths)]
    found = {answer.sample_id: answer for answer in model.answer(asked)}
    assert [found[str(number)].answer for number in range(9)] == ["x" * 30] * 9
    assert found["9"].status == "error"
    assert "memory does not suffice for it alone" in found["9"].error
    facts = model.facts()
    assert isinstance(facts["halvings"], int)
    assert facts["halvings"] > 1


def test_a_plain_prompt_keeps_braces_of_the_question() -> None:
    assert plain("{images}answer: {prompt}\n", "<image>", request("{images} {system} {x}", images=2)) == (
        "<image><image>answer: {images} {system} {x}\n"
    )


def test_settings_that_the_entry_leaves_open_are_those_of_the_weights() -> None:
    assert generate_arguments(Generation(), {}) == {"max_new_tokens": 512}
    assert generate_arguments(Generation(), {"max_new_tokens": 2048}) == {}
    greedy = generate_arguments(Generation(temperature=0, top_p=0.5, max_new_tokens=9), {"do_sample": True})
    assert greedy == {"max_new_tokens": 9, "do_sample": False}
    sampled = generate_arguments(Generation(temperature=0.7, top_p=0.5, stop=("\n",)), {"max_new_tokens": 1})
    assert sampled == {"do_sample": True, "temperature": 0.7, "top_p": 0.5, "stop_strings": ["\n"]}


def test_the_first_stop_string_and_the_rest_are_dropped() -> None:
    assert cut("12.50\nand END", ("END", "\n")) == "12.50"
    assert cut("12.50", ("END",)) == "12.50"


@given(st.lists(st.integers(1, 5000)), st.integers(1, 9), st.integers(1, 40_000))
def test_batches_hold_everything_once_and_halve_until_they_fit(lengths: list[int], size: int, memory: int) -> None:
    sizes: Sizes[int] = Sizes(size, lambda length: length)
    done: list[int] = []
    failed = 0
    for batch in sizes.batches(lengths):
        assert 1 <= len(batch) <= size
        assert batch == sorted(batch, reverse=True)
        waiting = [batch]
        while waiting:
            part = waiting.pop(0)
            if len(part) > 1 and part[0] * len(part) > memory:
                failed += 1
                waiting = [*sizes.halves(part), *waiting]
            else:
                done += part
    assert sorted(done) == sorted(lengths)
    assert sizes.halvings == failed


@given(st.lists(st.integers()), st.integers(1, 5))
def test_reading_ahead_loses_nothing_and_keeps_the_order(items: list[int], window: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        windows = list(read_ahead(items, lambda item: -item, pool, window))
        assert [item for each in windows for item in each] == [-item for item in items]
        assert list(one_ahead(items, str, pool)) == [str(item) for item in items]
