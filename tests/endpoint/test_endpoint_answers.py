"""What is sent, and what answers become."""

import hashlib
import io
import time
from pathlib import Path

import pytest
from PIL import Image
from pydantic import JsonValue

from tests.endpoint.serving import ask, endpoint, serving, texts, with_picture
from vlmbench_assets.mock_endpoint.service import Service
from vlmbench_openai.body import fields_of
from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import Answer, Generation, ModelSettings, Request


def picture(path: Path, size: tuple[int, int] = (300, 120)) -> bytes:
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    out = io.BytesIO()
    image.save(out, "jpeg", quality=90)
    path.write_bytes(out.getvalue())
    return out.getvalue()


def sent(path: Path, **options: object) -> str:
    """SHA-256 of the picture as the endpoint got it."""
    with serving(Service(ttft_ms=0, tpot_ms=0, answer="{image}")) as served:
        return ask(endpoint(served.url, **options), [with_picture(path)])["s0"].answer  # type: ignore[arg-type]


def test_the_file_s_own_bytes_are_sent(tmp_path: Path) -> None:
    content = picture(tmp_path / "page.jpg")
    own = hashlib.sha256(content).hexdigest()[:12]
    assert sent(tmp_path / "page.jpg") == own
    assert sent(tmp_path / "page.jpg", max_side=300) == own, "small enough: not encoded again"
    assert sent(tmp_path / "page.jpg", encode_as="jpeg") == own, "already that: not encoded again"
    assert sent(tmp_path / "page.jpg", max_side=299) != own
    assert sent(tmp_path / "page.jpg", encode_as="png") != own


def test_a_declared_size_is_kept_to(tmp_path: Path) -> None:
    picture(tmp_path / "page.jpg")
    expected = Image.open(tmp_path / "page.jpg").convert("RGB")
    expected.thumbnail((100, 100), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    expected.save(out, "png")
    assert sent(tmp_path / "page.jpg", max_side=100) == hashlib.sha256(out.getvalue()).hexdigest()[:12]
    assert expected.size == (100, 40)


def test_a_picture_that_is_none_costs_its_own_row(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"nothing")
    good = picture(tmp_path / "good.jpg")
    assert good
    requests = [with_picture(tmp_path / name, name) for name in ("bad.png", "good.jpg", "missing.jpg")]
    with serving() as served:
        answers = ask(endpoint(served.url, max_side=64), requests)
    assert [answers[name].status for name in ("bad.png", "good.jpg", "missing.jpg")] == ["error", "ok", "error"]
    assert "cannot be read as a picture" in answers["bad.png"].error
    assert answers["missing.jpg"].attempts == 1


@pytest.mark.parametrize("stream", [True, False])
def test_what_an_endpoint_says_becomes_a_status(*, stream: bool) -> None:
    said: dict[str, JsonValue] = {
        "plain": "42",
        "none": "",
        "thinks": {"content": "42", "reasoning": "let me see"},
        "thinks at vLLM": {"content": "42", "reasoning_content": "let me see"},
        "thinks too long": {"content": "", "reasoning": "let me see", "finish_reason": "length"},
        "cut": {"content": "4", "finish_reason": "length"},
        "filtered": {"content": "I", "finish_reason": "content_filter"},
        "refused": {"content": "", "refusal": "I will not"},
        "odd": {"content": "42", "finish_reason": "eos_token"},
    }
    wanted = {
        "plain": "ok",
        "none": "empty",
        "thinks": "ok",
        "thinks at vLLM": "ok",
        "thinks too long": "truncated",
        "cut": "truncated",
        "filtered": "refused",
        "refused": "refused",
        "odd": "ok",
    }
    requests = [Request(sample_id=name, images=(), prompt=name) for name in said]
    with serving(Service(ttft_ms=20, tpot_ms=0, answers=said)) as served:
        answers = ask(endpoint(served.url, stream=stream), requests)
    assert {name: answer.status for name, answer in answers.items()} == wanted
    assert answers["thinks"].answer == "42", "thinking is kept apart"
    assert answers["thinks at vLLM"].answer == "42"
    assert answers["odd"].finish_reason == "eos_token"
    assert "I will not" in answers["refused"].error
    assert answers["plain"].input_tokens == 1
    assert answers["thinks"].output_tokens == 4
    assert_times(answers["plain"], stream=stream)


def assert_times(answer: Answer, *, stream: bool) -> None:
    assert answer.latency_ms is not None
    assert answer.latency_ms >= 19
    if stream:
        assert answer.ttft_ms is not None
        assert 19 <= answer.ttft_ms <= answer.latency_ms
    else:
        assert answer.ttft_ms is None


def test_generation_and_options_are_sent() -> None:
    options = OpenAiOptions(
        base_url="http://h/v1",
        detail="high",
        max_tokens_key="max_completion_tokens",
        json_schema={"type": "object"},
        extra_body={"top_k": 1},
    )
    generation = Generation(max_new_tokens=9, temperature=0, top_p=0.5, seed=7, stop=("\n",))
    settings = ModelSettings(name="entry", generation=generation)
    request = Request(sample_id="s", images=("a.png",), prompt="p", system="be brief")
    fields = fields_of(request, options, settings)
    messages = fields.pop("messages")
    assert isinstance(messages, list)
    assert messages[0] == {"role": "system", "content": "be brief"}
    assert fields == {
        "model": "entry",
        "max_completion_tokens": 9,
        "temperature": 0,
        "top_p": 0.5,
        "seed": 7,
        "stop": ["\n"],
        "top_k": 1,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_limit_of_new_tokens_truncates() -> None:
    with serving() as served:
        model = endpoint(served.url, generation=Generation(max_new_tokens=1))
        assert ask(model, texts(1))["s0"].status == "truncated"


def test_declared_limits_are_kept() -> None:
    with serving(Service(ttft_ms=0, tpot_ms=0, answer="word " * 49 + "word")) as served:
        started = time.monotonic()
        ask(endpoint(served.url, requests_per_second=50), texts(20))
        assert time.monotonic() - started >= 19 / 50
    with serving(Service(ttft_ms=0, tpot_ms=0, answer="word " * 49 + "word")) as served:
        started = time.monotonic()
        # 1,000 tokens are in hand and 100 come in a second; each request is guessed at 1,000 until one was counted.
        ask(endpoint(served.url, tokens_per_minute=60_000, concurrency=1), texts(40))
        assert time.monotonic() - started < 60


def test_an_endpoint_s_limit_is_adapted_to() -> None:
    # A third of all attempts is refused for ever; no request is among them each time.
    service = Service(slots=2, ttft_ms=2, tpot_ms=0, fault_rate=0.6, faults=("429",), retry_after_s=0.05)
    with serving(service) as served:
        answers = ask(endpoint(served.url, concurrency=32), texts(200))
    assert all(answer.status == "ok" for answer in answers.values())


@pytest.mark.parametrize("key", ["model", "messages", "stream"])
def test_extra_body_leaves_the_question_alone(key: str) -> None:
    with pytest.raises(ValueError, match="set by other options"):
        OpenAiOptions(base_url="http://h/v1", extra_body={key: "x"})
