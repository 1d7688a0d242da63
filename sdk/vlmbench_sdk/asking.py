"""Ask a model everything, and let one bad request cost one answer only."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator

from vlmbench_sdk.errors import PluginError, VlmBenchError
from vlmbench_sdk.model import Model
from vlmbench_sdk.plugin_specs import Options
from vlmbench_sdk.records import Answer, Request


def ask_all(model: Model[Options], requests: Iterable[Request]) -> Iterator[Answer]:
    """Yield exactly one answer per request, as the model finishes them.

    When the model raises, every request it had taken and not answered is asked again alone, so that the
    one at fault gets an `error` row and the others get their answers; then the rest follows.

    Raises:
        VlmBenchError: What the model raises of this tree ends the job: nothing further can be asked.
    """
    waiting = deque(requests)
    while waiting:
        taken: dict[str, Request] = {}
        raised = yield from _ask(model, waiting, taken)
        if raised is None or len(taken) == 1:
            for sample_id in taken:
                yield _error_row(sample_id, raised)
            continue
        for request in list(taken.values()):
            alone: dict[str, Request] = {}
            raised = yield from _ask(model, deque([request]), alone)
            for sample_id in alone:
                yield _error_row(sample_id, raised)


def _ask(
    model: Model[Options], waiting: deque[Request], taken: dict[str, Request]
) -> Generator[Answer, None, Exception | None]:
    """Feed `waiting` to the model, leave in `taken` what it took unanswered, return what it raised."""

    def feed() -> Iterator[Request]:
        while waiting:
            request = waiting.popleft()
            taken[request.sample_id] = request
            yield request

    try:
        for answer in model.answer(feed()):
            _settle(answer, taken, model.settings.name)
            yield answer
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


def _error_row(sample_id: str, raised: Exception | None) -> Answer:
    message = f"{type(raised).__name__}: {raised}" if raised else "the model gave no answer"
    return Answer(sample_id=sample_id, status="error", error=message)
