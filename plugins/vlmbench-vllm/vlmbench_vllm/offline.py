"""vLLM's engine inside the worker: the only file that imports vllm, version 0.33.0 as the environments pin it.

The engine proper runs in a process of vLLM's own. Requests are handed to it as they come (`LLM.enqueue_chat`), and
taken from it as they finish (`LLMEngine.step`), so that it always has more to do than it can do at a time. `LLM.chat`
would wait for the slowest of a batch before it begins the next one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from vlmbench_sdk import Answer, ModelError, ModelSettings, Request
from vlmbench_sdk.records import Status
from vlmbench_vllm.plugin import VllmOptions
from vlmbench_vllm.prompts import Messages, shown

if TYPE_CHECKING:
    from vllm.outputs import RequestOutput

_ENDS: dict[str | None, Status] = {"stop": "ok", "length": "truncated", "repetition": "truncated"}
"""Statuses of vLLM's finish reasons; `abort` and `error` are none of these."""


@dataclass(frozen=True)
class _Asked:
    """A request that the engine has."""

    sample_id: str
    inside: str
    """What vLLM calls it inside."""


class Offline:
    """An engine that runs."""

    def __init__(
        self,
        options: VllmOptions,
        settings: ModelSettings,
        arguments: dict[str, JsonValue],
        sampling: dict[str, JsonValue],
        adapter: Path | None,
    ) -> None:
        """Load the weights and start the engine.

        Raises:
            ModelError: When vLLM is missing or cannot start.
        """
        self._options, self._where = options, f"model {settings.name}"
        try:
            import vllm
            from vllm.exceptions import VLLMClientError
            from vllm.lora.request import LoRARequest
            from vllm.sampling_params import SamplingParams, StructuredOutputsParams
            from vllm.v1.engine.exceptions import EngineDeadError
        except ImportError as error:
            raise ModelError(
                f"vllm cannot be imported ({error})",
                where=self._where,
                fix="Run it in the environment `vllm`, or in one with its requirements",
            ) from error
        self._refusals = (VLLMClientError, ValueError, TypeError, KeyError, OSError)
        self._dead = EngineDeadError
        schema = options.json_schema
        self._sampling = SamplingParams(
            **sampling,
            structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
        )
        self._adapter = None if adapter is None else LoRARequest("adapter", 1, str(adapter))
        try:
            # With its statistics, which hold when each request was begun and had its first token.
            self._llm = vllm.LLM(**arguments, disable_log_stats=False)
        except (OSError, ImportError, ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
            raise ModelError(
                f"vLLM cannot start ({type(error).__name__}: {str(error).strip()[:2000]})",
                where=self._where,
                fix="The end of the worker's log says more; `max_model_len` and `gpu_memory` decide whether it fits",
            ) from error
        self._cached = self._read = 0

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Keep more requests in the engine than it works on at a time, and yield each as it finishes."""
        most = self._options.concurrency + max(1, self._options.concurrency // 4)
        asked: dict[str, _Asked] = {}
        ready, more = shown(requests, self._options), True
        try:
            while more or asked:
                while more and len(asked) < most:
                    each = next(ready, None)
                    more = each is not None
                    if isinstance(each, Answer):
                        yield each
                    elif each is not None and (refused := self._enqueue(*each, asked)):
                        yield refused
                for output in self._step() if asked else ():
                    if output.finished:
                        yield self._answer(asked.pop(output.request_id).sample_id, output)
        finally:
            if asked:
                self._llm.llm_engine.abort_request([each.inside for each in asked.values()], internal=True)

    def facts(self) -> dict[str, JsonValue]:
        """What vLLM made of it, and how much of the prompts it had in its cache."""
        config = self._llm.model_config
        return {
            "architecture": str(config.architecture),
            "dtype": str(config.dtype).removeprefix("torch."),
            "max_model_len": int(config.max_model_len),
            "prompt_tokens": self._read,
            "prompt_tokens_cached": self._cached,
        }

    def close(self) -> None:
        """End vLLM's own process."""
        self._llm.llm_engine.engine_core.shutdown()
        del self._llm

    def _enqueue(self, request: Request, messages: Messages, asked: dict[str, _Asked]) -> Answer | None:
        """Hand a request over; return its answer where vLLM does not take it, such as a prompt that is too long."""
        try:
            [inside] = self._llm.enqueue_chat(
                [messages],
                self._sampling,
                use_tqdm=False,
                lora_request=self._adapter,
                chat_template_kwargs=self._options.template_options or None,
            )
        except self._refusals as error:
            told = f"vLLM does not take it ({type(error).__name__}: {str(error).strip()[:500]})"
            return Answer(sample_id=request.sample_id, status="error", error=told)
        # Inside of vLLM "7" is called "7-d41d8cd9"; that is what it returns here, and outputs are called "7".
        asked[inside.partition("-")[0]] = _Asked(request.sample_id, inside)
        return None

    def _step(self) -> "list[RequestOutput]":
        if not self._llm.llm_engine.has_unfinished_requests():
            # It would be waited for without end.
            raise ModelError("vLLM has lost requests", where=self._where, fix="Report this; what was answered is kept")
        try:
            outputs: list[RequestOutput] = self._llm.llm_engine.step()
        except self._dead as error:
            raise ModelError(
                f"vLLM's engine died ({str(error).strip()[:500]})",
                where=self._where,
                fix="The end of the worker's log says why; what was answered is kept",
            ) from error
        return outputs

    def _answer(self, sample_id: str, output: "RequestOutput") -> Answer:
        [said], times = output.outputs, output.metrics
        self._read += len(output.prompt_token_ids or ())
        self._cached += output.num_cached_tokens or 0
        reason = str(said.finish_reason or "")
        status = _ENDS.get(reason, "error")
        if status == "ok" and not said.text.strip():
            status = "empty"
        return Answer(
            sample_id=sample_id,
            answer=said.text.strip(),
            status=status,
            finish_reason=reason,
            error=f"vLLM ended it ({reason or 'no reason given'})" if status == "error" else "",
            # From when the engine began with it: before that it waited behind others of our own.
            latency_ms=_ms(times.last_token_ts - times.scheduled_ts) if times else None,
            ttft_ms=_ms(times.first_token_ts - times.scheduled_ts) if times else None,
            input_tokens=len(output.prompt_token_ids or ()),
            output_tokens=len(said.token_ids),
        )


def _ms(seconds: float) -> float | None:
    """Milliseconds; None where the engine took no times."""
    return seconds * 1000 if seconds > 0 else None
