"""Ask a model everything; let one bad request cost one answer only, and ask again what fails for a passing reason."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator

from vlmbench_sdk.errors import PluginError, RequestError, VlmBenchError
from vlmbench_sdk.model import Model, OptionsT
from vlmbench_sdk.records import Answer, Request
from vlmbench_sdk.retry import Retry, failed_status, is_transient

Pause = Callable[[float], None]
Check = Callable[[Request], str]
"""Why a request must not be asked; empty when it may."""


def ask_all(
    model: Model[OptionsT],
    requests: Iterable[Request],
    retry: Retry | None = None,
    pause: Pause = time.sleep,
    check: Check = lambda _request: "",
) -> Iterator[Answer]:
    """Yield exactly one answer per request, as the model finishes them.

    When the model raises, every request it had taken and not answered is asked again alone, so that the
    one at fault gets a failed row and the others get their answers; then the rest follows. Alone, a request
    that fails for a passing reason (`is_transient`) is asked again after a wait, as the policy says.

    Args:
        model: Whom to ask.
        requests: What to ask.
        retry: How often to ask what fails for a passing reason.
        pause: Waits so many seconds.
        check: Why a request must not be asked.

    Raises:
        VlmBenchError: What the model raises of this tree, `RequestError` apart, ends the job: nothing
            further can be asked.
    """
    policy = retry or Retry()
    waiting = deque(requests)
    while waiting:
        if reason := check(waiting[0]):
            yield Answer(sample_id=waiting.popleft().sample_id, status="error", error=reason)
            continue
        taken: dict[str, Request] = {}
        raised = yield from _ask(model, waiting, taken, check)
        if raised is not None and not taken:
            # It raised without taking anything; blame the next one, or this would never end.
            request = waiting.popleft()
            taken[request.sample_id] = request
        if raised is None:
            for sample_id in taken:
                yield Answer(sample_id=sample_id, status="error", error="the model gave no answer")
        elif len(taken) == 1:
            # It was alone already, so this was its first attempt.
            yield from _ask_alone(model, next(iter(taken.values())), policy, pause, raised)
        else:
            delay_s = policy.delay_s(1, getattr(raised, "retry_after_s", None))
            if is_transient(raised) and delay_s <= policy.patience_s:
                pause(delay_s)
            for request in list(taken.values()):
                yield from _ask_alone(model, request, policy, pause, None)


def _ask_alone(
    model: Model[OptionsT], request: Request, policy: Retry, pause: Pause, raised: Exception | None
) -> Iterator[Answer]:
    """Ask one request until it is answered, fails for good, or was asked often enough.

    Args:
        model: Whom to ask.
        request: What to ask.
        policy: How often, and how long to wait in between.
        pause: Waits so many seconds.
        raised: What the first attempt raised, where it was made before; None when there was none.
    """
    attempt = 0 if raised is None else 1
    while True:
        if raised is not None:
            delay_s = policy.delay_s(attempt, getattr(raised, "retry_after_s", None))
            if not is_transient(raised) or attempt >= policy.attempts or delay_s > policy.patience_s:
                yield _failed_row(request.sample_id, raised, attempt)
                return
            pause(delay_s)
        attempt += 1
        answer, raised = _ask_once(model, request)
        if answer is not None:
            yield answer.model_copy(update={"attempts": answer.attempts + attempt - 1})
            return
        if raised is None:
            no_answer = "the model gave no answer"
            yield Answer(sample_id=request.sample_id, status="error", error=no_answer, attempts=attempt)
            return


def _ask_once(model: Model[OptionsT], request: Request) -> tuple[Answer | None, Exception | None]:
    """Ask one request alone; return its answer, and what the model raised."""
    asking = _ask(model, deque([request]), {})
    answer: Answer | None = None
    try:
        while True:
            answer = next(asking)
    except StopIteration as ended:
        return answer, ended.value


def _ask(
    model: Model[OptionsT], waiting: deque[Request], taken: dict[str, Request], check: Check = lambda _request: ""
) -> Generator[Answer, None, Exception | None]:
    """Feed `waiting` to the model, leave in `taken` what it took unanswered, return what it raised."""

    def feed() -> Iterator[Request]:
        # It ends at a request that must not be asked; `ask_all` gives that one its row and begins again.
        while waiting and not check(waiting[0]):
            request = waiting.popleft()
            taken[request.sample_id] = request
            yield request

    try:
        for answer in model.answer(feed()):
            _settle(answer, taken, model.settings.name)
            yield answer
    except RequestError as error:
        return error
    except VlmBenchError:
        raise
    except Exception as error:  # noqa: BLE001 - boundary: a plugin's model may raise anything on a request
        return error
    return None


def _settle(answer: Answer, taken: dict[str, Request], model: str) -> None:
    """Take the answered request off `taken`."""
    if taken.pop(answer.sample_id, None) is None:
        raise PluginError(
            f"it answered sample {answer.sample_id!r}, which it was not asked or had answered",
            where=f"model {model}",
            fix="Report this to the plugin's author",
        )


def _failed_row(sample_id: str, raised: Exception, attempts: int) -> Answer:
    message = str(raised) if isinstance(raised, RequestError) else f"{type(raised).__name__}: {raised}"
    return Answer(sample_id=sample_id, status=failed_status(raised), error=message, attempts=attempts)
