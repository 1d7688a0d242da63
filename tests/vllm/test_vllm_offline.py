"""The offline engine against the recorded signatures of vLLM 0.33.0: what it is told, and how it is fed."""

import ast
from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.vllm.recorded_vllm import RECORD, Vllm, ask
from vlmbench_sdk import Answer, Generation, ModelError, ModelSettings, Request
from vlmbench_vllm.backend import VllmModel
from vlmbench_vllm.plugin import VllmOptions
from vlmbench_vllm.settings import _RANKS, NEUTRAL

GREEDY = Generation(max_new_tokens=12, temperature=0)


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Vllm:
    for name in ("VLLM_NO_USAGE_STATS", "VLLM_LOGGING_LEVEL", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")
    made = Vllm()
    made.install(monkeypatch)
    return made


def model_of(folder: Path, generation: Generation = GREEDY, **options: JsonValue) -> VllmModel:
    chosen = VllmOptions.model_validate({"model": str(folder), "concurrency": 4, **options})
    return VllmModel(chosen, ModelSettings(name="m", generation=generation))


def requests_of(folder: Path, count: int) -> list[Request]:
    picture = folder / "p.png"
    picture.write_bytes(b"picture")
    return [Request(sample_id=f"s{each}", images=(str(picture),), prompt=f"prompt {each}") for each in range(count)]


def test_everything_is_answered_once_and_the_engine_never_has_too_little_to_do(vllm: Vllm, tmp_path: Path) -> None:
    model, requests = model_of(tmp_path), requests_of(tmp_path, 30)
    model.load()
    answers = ask(model, requests)
    facts = model.facts()
    model.close()
    assert {each.sample_id: each.answer for each in answers} == {each.sample_id: each.prompt for each in requests}
    assert [each.sample_id for each in answers] != [each.sample_id for each in requests], "as they finish"
    # Four at a time and one at the door, until there are no more.
    assert vllm.in_engine == [5] * 26 + [4, 3, 2, 1]
    assert answers[0] == Answer(
        sample_id=answers[0].sample_id,
        answer=answers[0].answer,
        finish_reason="stop",
        latency_ms=1000,
        ttft_ms=500,
        input_tokens=10,
        output_tokens=3,
    )
    assert (facts["prompt_tokens"], facts["prompt_tokens_cached"]) == (300, 120)
    assert (facts["dtype"], facts["max_model_len"]) == ("bfloat16", 4096)
    assert vllm.shut_down


def test_what_vllm_does_not_take_costs_its_own_answer(vllm: Vllm, tmp_path: Path) -> None:
    model, requests = model_of(tmp_path), requests_of(tmp_path, 8)
    requests[2] = requests[2].model_copy(update={"prompt": "too long by far"})
    requests[5] = requests[5].model_copy(update={"images": (str(tmp_path / "none.png"),)})
    model.load()
    answers = {each.sample_id: each for each in ask(model, requests)}
    assert len(answers) == 8
    assert {name for name, each in answers.items() if each.status == "error"} == {"s2", "s5"}
    assert "longer than the maximum" in answers["s2"].error
    assert "none.png" in answers["s5"].error
    assert vllm.aborted == []


@pytest.mark.parametrize(
    ("reason", "status"), [("length", "truncated"), ("repetition", "truncated"), ("abort", "error"), ("stop", "ok")]
)
def test_how_vllm_ended_an_answer_is_its_status(vllm: Vllm, tmp_path: Path, reason: str, status: str) -> None:
    vllm.reason = reason
    model = model_of(tmp_path)
    model.load()
    [answer] = model.answer(requests_of(tmp_path, 1))
    assert (answer.status, answer.finish_reason) == (status, reason)


def test_requests_nobody_waits_for_are_taken_back(vllm: Vllm, tmp_path: Path) -> None:
    model = model_of(tmp_path)
    model.load()
    answers = iter(model.answer(requests_of(tmp_path, 30)))
    next(answers)
    answers.close()  # type: ignore[attr-defined] # a generator, as `ask_all` drops it
    assert len(vllm.aborted) == 4
    assert all(each.endswith("-0123abcd") for each in vllm.aborted), "by the ids that vLLM gave"


def test_a_dead_engine_ends_the_job_and_keeps_what_was_answered(vllm: Vllm, tmp_path: Path) -> None:
    vllm.dies_at = 4
    model = model_of(tmp_path)
    model.load()
    with pytest.raises(ModelError, match="engine died"):
        ask(model, requests_of(tmp_path, 9))
    vllm.loses, vllm.dies_at = True, None
    with pytest.raises(ModelError, match="has lost requests"):
        list(model.answer(requests_of(tmp_path, 3)))


def test_the_engine_is_told_what_the_entry_says(vllm: Vllm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"r": 9}', encoding="utf-8")
    saved = '{"temperature": 0.3, "repetition_penalty": 1.05, "max_new_tokens": 99, "eos_token_id": [1]}'
    (tmp_path / "generation_config.json").write_text(saved, encoding="utf-8")
    schema: JsonValue = {"type": "object"}
    model = model_of(
        tmp_path,
        Generation(seed=7, top_p=0.5, stop=("END",)),
        adapter=str(adapter),
        max_model_len=4096,
        quantization="fp8",
        processor={"max_pixels": 9},
        template_options={"enable_thinking": False},
        json_schema=schema,
    )
    model.load()
    list(model.answer(requests_of(tmp_path, 1)))
    assert vllm.arguments == {
        "model": str(tmp_path),
        "dtype": "auto",
        "quantization": "fp8",
        "tensor_parallel_size": 2,
        "max_model_len": 4096,
        "max_num_seqs": 4,
        "gpu_memory_utilization": 0.9,
        "enable_prefix_caching": True,
        "enforce_eager": False,
        "mm_processor_kwargs": {"max_pixels": 9},
        "generation_config": "vllm",
        "seed": 7,
        "enable_lora": True,
        "max_lora_rank": 16,
        "disable_log_stats": False,
    }
    told = vars(vllm.sampling)
    assert vars(told.pop("structured_outputs")) == {"json": schema}
    assert told == {
        "temperature": 0.3,
        "top_p": 0.5,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.05,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "max_tokens": 99,
        "seed": 7,
        "stop": ["END"],
    }
    assert model.facts()["generation"] == told, "all of it stands in the manifest"
    assert [vars(each) for each in vllm.loras] == [
        {"lora_name": "adapter", "lora_int_id": 1, "lora_path": str(adapter)}
    ]


def test_what_is_taken_for_vllms_own_defaults_are_its_defaults() -> None:
    written = RECORD["fields"]["SamplingParams"]
    assert {name: ast.literal_eval(written[name]) for name in NEUTRAL} == NEUTRAL
    assert ast.literal_eval(RECORD["constants"]["MaxLoRARanks"].removeprefix("Literal")) == [*_RANKS]


def test_what_is_read_of_vllms_outputs_is_there() -> None:
    assert {"text", "token_ids", "finish_reason"} <= RECORD["fields"]["CompletionOutput"].keys()
    assert {"scheduled_ts", "first_token_ts", "last_token_ts"} <= RECORD["fields"]["RequestStateStats"].keys()
