"""What is asked and what is understood, by botocore's own client, its validation and its stubs."""

import json
from pathlib import Path

import pytest
import yaml
from botocore.stub import Stubber
from PIL import Image
from pydantic import JsonValue, ValidationError

from tests.bedrock_service import QUICK, answers_of, model, texts, use_keys
from vlmbench_bedrock.asking import FORMATS
from vlmbench_bedrock.backend import Bedrock
from vlmbench_bedrock.failures import EVENTS
from vlmbench_bedrock.plugin import BedrockOptions, vlmbench_registries
from vlmbench_bedrock.reply import STATUSES
from vlmbench_sdk import Answer, EnvironmentEntry, Example, Generation, ModelEntry, ModelError, Request
from vlmbench_sdk.plugins import load_plugins

[REGISTRIES] = vlmbench_registries()
PROFILE = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.vendor.model-v1:0"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return use_keys(monkeypatch)


def said(text: str = "12.50", stop_reason: str = "end_turn") -> dict[str, object]:
    content = [{"reasoningContent": {"reasoningText": {"text": "let me see"}}}, {"text": text}]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 300, "outputTokens": 5, "totalTokens": 305},
        "metrics": {"latencyMs": 9},
    }


def loaded(generation: Generation | None = None, **options: JsonValue) -> tuple[Bedrock, Stubber]:
    asked = model(generation, {"stream": False, "concurrency": 1, **options})
    asked.load()
    return asked, Stubber(asked._client)


def answer_to(request: Request, response: dict[str, object]) -> Answer:
    asked, stub = loaded()
    stub.add_response("converse", response)
    with stub:
        return answers_of(asked, [request])[request.sample_id]


def test_all_that_an_entry_says_is_sent(tmp_path: Path) -> None:
    pictures = {}
    for kind in FORMATS.values():
        # The name says nothing: the first bytes tell what it is.
        path = tmp_path / f"{kind}.bin"
        Image.new("RGB", (9, 9), "red").save(path, kind)
        pictures[kind] = path
    shown = Example(images=(str(pictures["png"]),), user="And this?", assistant="1.00")
    images = tuple(str(path) for path in pictures.values())
    request = Request(sample_id="s", images=images, prompt="Total?", system="Be brief.", examples=(shown,))
    schema: JsonValue = {"type": "object", "properties": {"total": {"type": "number"}}}
    wanted = Generation(max_new_tokens=64, temperature=0, top_p=0.5, stop=("\n",))
    asked, stub = loaded(wanted, model=PROFILE, extra_body={"top_k": 1}, json_schema=schema)

    def block(kind: str) -> dict[str, object]:
        return {"image": {"format": kind, "source": {"bytes": pictures[kind].read_bytes()}}}

    expected = {
        "modelId": PROFILE,
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [block("png"), {"text": "And this?"}]},
            {"role": "assistant", "content": [{"text": "1.00"}]},
            {"role": "user", "content": [*(block(kind) for kind in pictures), {"text": "Total?"}]},
        ],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.0, "topP": 0.5, "stopSequences": ["\n"]},
        "additionalModelRequestFields": {"top_k": 1},
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"name": "answer", "schema": json.dumps(schema)}},
            }
        },
    }
    stub.add_response("converse", said(), expected)
    with stub:
        answer = answers_of(asked, [request])["s"]
    assert (answer.answer, answer.status, answer.finish_reason) == ("12.50", "ok", "end_turn")
    assert (answer.input_tokens, answer.output_tokens, answer.ttft_ms) == (300, 5, None)
    assert answer.latency_ms is not None


def test_what_an_entry_leaves_out_is_not_sent() -> None:
    asked, stub = loaded()
    message = {"role": "user", "content": [{"text": "question 0"}]}
    stub.add_response("converse", said(), {"modelId": "vendor.model-v1:0", "messages": [message]})
    with stub:
        assert answers_of(asked, texts(1))["s0"].status == "ok"


@pytest.mark.parametrize(
    ("stop_reason", "text", "status"),
    [
        ("end_turn", "a", "ok"),
        ("end_turn", "", "empty"),
        ("stop_sequence", "a", "ok"),
        ("max_tokens", "a", "truncated"),
        ("model_context_window_exceeded", "a", "truncated"),
        ("guardrail_intervened", "Sorry", "refused"),
        ("content_filtered", "", "refused"),
        ("tool_use", "", "error"),
        ("malformed_tool_use", "", "error"),
        ("malformed_model_output", "x", "error"),
    ],
)
def test_stop_reasons_are_statuses(stop_reason: str, text: str, status: str) -> None:
    answer = answer_to(texts(1)[0], said(text, stop_reason))
    assert (answer.status, answer.answer, answer.finish_reason) == (status, text, stop_reason)
    assert bool(answer.error) == (status in {"refused", "error"})


def test_bedrocks_own_lists_are_covered() -> None:
    asked, _ = loaded()
    service = asked._client.meta.service_model
    assert set(service.shape_for("StopReason").enum) == {*STATUSES, "end_turn", "stop_sequence"}
    assert set(service.shape_for("ImageFormat").enum) == set(FORMATS.values())
    events = service.operation_model("ConverseStream").output_shape.members["stream"].members
    assert {name for name in events if name.endswith("Exception")} <= set(EVENTS)
    asked.close()


@pytest.mark.parametrize(
    ("code", "http", "attempts", "status"),
    [
        ("ThrottlingException", 429, 4, "error"),
        ("ModelNotReadyException", 429, 4, "error"),
        ("InternalServerException", 500, 4, "error"),
        ("ServiceUnavailableException", 503, 4, "error"),
        ("ModelErrorException", 424, 4, "error"),
        ("ModelTimeoutException", 408, 4, "timeout"),
        ("ValidationException", 400, 1, "error"),
    ],
)
def test_what_passes_is_asked_again_and_what_does_not_is_a_row(
    code: str, http: int, attempts: int, status: str
) -> None:
    asked, stub = loaded()
    for _ in range(attempts):
        stub.add_client_error("converse", code, "Too bad", http)
    with stub:
        failed = answers_of(asked, texts(1))["s0"]
        stub.assert_no_pending_responses()
    assert QUICK.attempts == 4
    assert (failed.status, failed.attempts) == (status, attempts)
    assert failed.error == f"HTTP {http} from Bedrock, {code}: Too bad"


@pytest.mark.parametrize(
    ("code", "http", "says"),
    [
        ("AccessDeniedException", 403, "may use this model"),
        ("ExpiredTokenException", 403, "Check AWS's credentials"),
        ("ResourceNotFoundException", 404, "`model` and `region`"),
    ],
)
def test_what_every_request_would_meet_ends_the_job(code: str, http: int, says: str) -> None:
    asked, stub = loaded()
    for _ in range(4):
        stub.add_client_error("converse", code, "no", http)
    with stub, pytest.raises(ModelError, match=says):
        answers_of(asked, texts(4))


def test_no_credentials_and_no_region_are_said_at_once(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]) -> None:
    for name in keys:
        monkeypatch.delenv(name)
    asked = model()
    asked.load()
    with pytest.raises(ModelError, match=r"Unable to locate credentials.*aws configure"):
        answers_of(asked, texts(3))
    with pytest.raises(ModelError, match="You must specify a region"):
        model(options={"region": ""}).load()


def test_an_api_key_of_bedrock_goes_over_https_only_and_is_blotted_out(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]
) -> None:
    for name in keys:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer-secret-0123456789")
    assert answer_to(texts(1)[0], said("a bearer-secret-0123456789")).answer == "a [key]"
    asked = model(options={"base_url": "http://127.0.0.1:1"})
    asked.load()
    with pytest.raises(ModelError, match="requires an HTTPS endpoint"):
        answers_of(asked, texts(1))


def test_a_picture_of_another_format_costs_its_own_row(tmp_path: Path) -> None:
    bitmap = tmp_path / "page.png"
    Image.new("RGB", (9, 9)).save(bitmap, "bmp")
    asked, stub = loaded()
    stub.add_response("converse", said())
    with stub:
        answers = answers_of(asked, [Request(sample_id="bmp", images=(str(bitmap),), prompt="?"), *texts(1)])
    assert answers["bmp"].status == "error"
    assert "page.png: Bedrock takes PNG, JPEG, GIF and WebP, this is image/bmp" in answers["bmp"].error
    assert answers["s0"].status == "ok"


def test_a_seed_is_not_dropped_in_silence() -> None:
    with pytest.raises(ModelError, match="Converse has no seed"):
        model(Generation(seed=1)).load()


@pytest.mark.parametrize(
    "options",
    [
        {"model": ""},
        {"model": "a b"},
        {"region": "us west"},
        {"base_url": "https://key@host"},
        {"extra_body": {"temperature": 1}},
        {"api_key": "AKIA"},
    ],
)
def test_options_are_closed(options: dict[str, JsonValue]) -> None:
    with pytest.raises(ValidationError):
        BedrockOptions.model_validate({"model": "m", **options})


def test_the_plugin_ships_an_entry_and_a_pinned_environment() -> None:
    assert load_plugins().models["bedrock"].options is BedrockOptions
    entry = ModelEntry.model_validate(yaml.safe_load((REGISTRIES / "models/bedrock.yaml").read_text(encoding="utf-8")))
    environment = yaml.safe_load((REGISTRIES / f"environments/{entry.environment}.yaml").read_text(encoding="utf-8"))
    lines = EnvironmentEntry.model_validate(environment).options["requirements"]
    assert entry.abstract
    assert isinstance(lines, list)
    assert all("==" in str(line) for line in lines)
