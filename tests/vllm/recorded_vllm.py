"""A vllm that takes what the recorded signatures take, and answers by counting steps; it has no model."""

import ast
import inspect
import json
import sys
import types
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from vlmbench_sdk import Answer, Model, Options, Request
from vlmbench_sdk.asking import ask_all
from vlmbench_vllm.backend import VllmModel

RECORD: dict[str, Any] = json.loads((Path(__file__).parent / "vllm-0.33.0.json").read_text(encoding="utf-8"))
FLAGS = {
    name.replace("_", "-")
    for owner in ("EngineArgs", "BaseFrontendArgs", "FrontendArgs")
    for name in RECORD["fields"][owner]
}


def ask(model: VllmModel, requests: list[Request]) -> list[Answer]:
    """Ask as the runner does."""
    return list(ask_all(cast("Model[Options]", model), requests))


def signature_of(method: str) -> inspect.Signature:
    """The recorded signature, without its annotations, whose names do not exist here."""
    [tree] = ast.parse(f"def f({RECORD['methods'][method]}): ...").body
    assert isinstance(tree, ast.FunctionDef)
    arguments = tree.args
    for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if each is not None:
            each.annotation = None
    scope: dict[str, Any] = {}
    exec(ast.unparse(tree), scope)  # noqa: S102 - a file of this repository
    return inspect.signature(scope["f"])


def make(owner: str, *args: Any, **kwargs: Any) -> types.SimpleNamespace:
    """An object with the recorded fields of a class, and no others."""
    names = list(RECORD["fields"][owner])
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    assert given.keys() <= set(names), f"{owner} has no {sorted(given.keys() - set(names))}"
    return types.SimpleNamespace(**given)


def output_of(**kwargs: Any) -> types.SimpleNamespace:
    """A `RequestOutput` with what its constructor keeps, and no more."""
    signature_of("RequestOutput.__init__").bind(None, **kwargs)
    return types.SimpleNamespace(**kwargs)


class Vllm:
    """The modules, and what was seen of their use."""

    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}
        self.sampling: Any = None
        self.loras: list[Any] = []
        self.waiting: list[tuple[str, str]] = []
        self.aborted: list[str] = []
        self.in_engine: list[int] = []
        self.numbers = count()
        self.steps = 0
        self.reason = "stop"
        self.dies_at: int | None = None
        self.loses = False
        self.shut_down = False
        self.errors: dict[str, type[Exception]] = {}
        for name, bases in RECORD["bases"].items():
            self.errors[name] = type(name, tuple(self.errors.get(base, Exception) for base in bases), {})

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the modules where `import vllm` finds them."""
        modules: dict[str, dict[str, Any]] = {
            "vllm": {"LLM": self._llm},
            "vllm.exceptions": {"VLLMClientError": self.errors["VLLMClientError"]},
            "vllm.v1": {},
            "vllm.v1.engine": {},
            "vllm.v1.engine.exceptions": {"EngineDeadError": self.errors["EngineDeadError"]},
            "vllm.lora": {},
            "vllm.lora.request": {"LoRARequest": lambda *args: make("LoRARequest", *args)},
            "vllm.sampling_params": {
                "SamplingParams": lambda **kwargs: make("SamplingParams", **kwargs),
                "StructuredOutputsParams": lambda **kwargs: make("StructuredOutputsParams", **kwargs),
            },
        }
        for name, contents in modules.items():
            module = types.ModuleType(name)
            vars(module).update(contents)
            monkeypatch.setitem(sys.modules, name, module)

    def _llm(self, **kwargs: Any) -> types.SimpleNamespace:
        bound = signature_of("LLM.__init__").bind(None, **kwargs)
        assert bound.arguments.get("kwargs", {}).keys() <= RECORD["fields"]["EngineArgs"].keys()
        self.arguments = kwargs
        engine = types.SimpleNamespace(
            step=self._step,
            has_unfinished_requests=lambda: bool(self.waiting),
            abort_request=self._abort,
            engine_core=types.SimpleNamespace(shutdown=self._shutdown),
        )
        config = types.SimpleNamespace(architecture="None", dtype="torch.bfloat16", max_model_len=4096)
        return types.SimpleNamespace(enqueue_chat=self._enqueue_chat, llm_engine=engine, model_config=config)

    def _enqueue_chat(self, *args: Any, **kwargs: Any) -> list[str]:
        given = signature_of("LLM.enqueue_chat").bind(None, *args, **kwargs).arguments
        [messages] = given["messages"]
        text = messages[-1]["content"][-1]["text"]
        if text.startswith("too long"):
            raise self.errors["VLLMClientError"]("The prompt is longer than the maximum model length")
        self.sampling, number = given["sampling_params"], str(next(self.numbers))
        self.loras.append(given["lora_request"])
        self.waiting.append((number, text))
        return [f"{number}-0123abcd"]

    def _step(self) -> list[types.SimpleNamespace]:
        self.steps += 1
        if self.steps == self.dies_at:
            raise self.errors["EngineDeadError"]("CUDA error")
        self.in_engine.append(len(self.waiting))
        if self.loses:
            self.waiting.clear()
            return []
        # The second one is done first, so that answers come in another order.
        number, text = self.waiting.pop(min(1, len(self.waiting) - 1))
        said = make(
            "CompletionOutput",
            index=0,
            text=f" {text}\n",
            token_ids=[1, 2, 3],
            finish_reason=self.reason,
            stop_reason=None,
        )
        times = make("RequestStateStats", queued_ts=1.0, scheduled_ts=2.0, first_token_ts=2.5, last_token_ts=3.0)
        done = output_of(
            request_id=number,
            prompt=None,
            prompt_token_ids=[1] * 10,
            prompt_logprobs=None,
            outputs=[said],
            finished=True,
            metrics=times,
            num_cached_tokens=4,
        )
        return [done]

    def _abort(self, *args: Any, **kwargs: Any) -> None:
        given = signature_of("LLMEngine.abort_request").bind(None, *args, **kwargs).arguments
        assert given["internal"] is True
        self.aborted += given["request_ids"]

    def _shutdown(self, *args: Any, **kwargs: Any) -> None:
        signature_of("EngineCoreClient.shutdown").bind(None, *args, **kwargs)
        self.shut_down = True
