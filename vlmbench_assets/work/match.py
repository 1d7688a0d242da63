"""Match the predictions of another tool to the samples of a dataset."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal

from vlmbench_assets.printable import printable
from vlmbench_sdk import ExchangeError, Prediction
from vlmbench_sdk.plugin_specs import Match

SampleRow = Mapping[str, str]
SHOWN = 5
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Matched:
    """Which prediction is for which sample."""

    by_sample: dict[str, Prediction]
    unmatched: tuple[str, ...]
    """Places of predictions that are for no sample."""
    unlike: tuple[str, ...]
    """Places of predictions whose references, question or images are not those of their sample."""


def match(predictions: Sequence[Prediction], samples: Sequence[SampleRow], how: Match, where: str) -> Matched:
    """Find the sample of each prediction.

    Args:
        predictions: What was read.
        samples: Rows of the samples table, in order.
        how: By what.
        where: The file, for messages.

    Raises:
        ExchangeError: When two predictions are for one sample, a prediction fits several samples, it lacks what it is
            matched by, or what it asks is not what the sample at its place asks.
    """
    find = {"id": _by_id, "position": _by_position, "question": _by_question}[how](samples, where)
    agrees = _Agreement(samples)
    found: dict[str, Prediction] = {}
    unmatched: list[str] = []
    unlike: list[str] = []
    silent: list[str] = []
    for prediction in predictions:
        sample = find(prediction)
        if sample is None:
            unmatched.append(printable(prediction.where))
            continue
        before = found.setdefault(sample["sample_id"], prediction)
        if before is not prediction:
            raise ExchangeError(
                f"{before.where} and {prediction.where} are both for sample {sample['sample_id']!r}",
                where=where,
                fix="Leave one of them in the file",
            )
        word = agrees.with_sample(prediction, sample, how)
        if word != "for":
            (unlike if word == "against" else silent).append(printable(prediction.where))
    if how == "position" and unlike:
        raise ExchangeError(
            f"{len(unlike)} of {len(predictions)} have other references, questions or images than the sample at their "
            f"place: {listed(unlike)}; so the dataset is not in the order of the file",
            where=where,
            fix="Read the same split in the same order, or match by `--match id` or `--match question`",
        )
    if silent:
        raise ExchangeError(
            f"{len(silent)} of {len(predictions)} repeat no reference, question or image of their sample: "
            f"{listed(silent)}; so nothing shows whether the dataset is in the order of the file",
            where=where,
            fix="Write the file with references or questions, or with ids and match by `--match id`",
        )
    if how == "id" and 2 * len(unlike) > len(found):
        raise ExchangeError(
            f"{len(unlike)} of {len(found)} have other references, questions or images than the sample of their id: "
            f"{listed(unlike)}; so their ids only look alike",
            where=where,
            fix="Match by `--match question`, or read the dataset that the file is about",
        )
    return Matched(found, tuple(unmatched), tuple(unlike))


def listed(places: Sequence[str]) -> str:
    """The first few places, and how many more there are."""
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(places[:SHOWN]) + more


Word = Literal["for", "unknown", "against"]


class _Agreement:
    """Whether predictions are about the samples that they were matched to.

    Tools write prompts around questions, and give pictures names of their own. So a question that no sample of the
    dataset has stands only beside references or pictures that agree, such a name says nothing, and what another sample
    has says that the match is wrong.
    """

    def __init__(self, samples: Sequence[SampleRow]) -> None:
        self._questions = {_spaced(sample["question"]) for sample in samples} - {""}
        self._images = {names for sample in samples if (names := _names(json.loads(sample["images"])))}

    def with_sample(self, prediction: Prediction, sample: SampleRow, how: Match) -> Word:
        """Whether nothing speaks against it, and something for it wherever the file has anything to go by.

        Unknown where the file has nothing, and only a place decides.
        """
        words = [*self._references(prediction, sample), *self._question(prediction, sample)]
        words += self._pictures(prediction, sample)
        if not words:
            # A place is only a number: where the file repeats nothing of the sample, it could be any.
            return "unknown" if how == "position" and _spaced(sample["question"]) else "for"
        return "for" if "for" in words and "against" not in words else "against"

    def _references(self, prediction: Prediction, sample: SampleRow) -> Iterator[Word]:
        if prediction.gold:
            ours = {_value(each) for each in json.loads(sample["references"])}
            yield "against" if ours.isdisjoint(map(_value, prediction.gold)) else "for"

    def _question(self, prediction: Prediction, sample: SampleRow) -> Iterator[Word]:
        prompt, ours = _spaced(prediction.question), _spaced(sample["question"])
        if not prompt or not ours:
            return
        said = {prompt, *(_spaced(line) for line in prediction.question.splitlines())}
        yield "for" if ours in prompt else "against" if said & self._questions else "unknown"

    def _pictures(self, prediction: Prediction, sample: SampleRow) -> Iterator[Word]:
        names, ours = _names(prediction.images), _names(json.loads(sample["images"]))
        if names and (names == ours or names in self._images):
            yield "for" if names == ours else "against"


def _value(text: str) -> str | Decimal:
    """A reference to compare: numbers by value, because tools that read `12.50` as a number write 12.5."""
    text = text.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else text


def _spaced(text: str) -> str:
    return " ".join(text.split())


Find = Callable[[Prediction], SampleRow | None]


def _by_id(samples: Sequence[SampleRow], where: str) -> Find:
    by_id = {sample["sample_id"]: sample for sample in samples}

    def find(prediction: Prediction) -> SampleRow | None:
        if not prediction.sample_id:
            raise _lacking(prediction, "id", where)
        return by_id.get(prediction.sample_id)

    return find


def _by_position(samples: Sequence[SampleRow], where: str) -> Find:
    def find(prediction: Prediction) -> SampleRow | None:
        if prediction.position is None:
            raise _lacking(prediction, "place in the dataset", where)
        return samples[prediction.position] if prediction.position < len(samples) else None

    return find


def _by_question(samples: Sequence[SampleRow], where: str) -> Find:
    known: dict[tuple[str, tuple[str, ...]], list[SampleRow]] = defaultdict(list)
    for sample in samples:
        question, names = sample["question"].strip(), _names(json.loads(sample["images"]))
        for each in {names, ()}:
            known[question, each].append(sample)

    def find(prediction: Prediction) -> SampleRow | None:
        if not prediction.question:
            raise _lacking(prediction, "question", where)
        fitting = known.get((prediction.question.strip(), _names(prediction.images)), [])
        for name in ("field", "doc_type"):
            said = getattr(prediction, name)
            fitting = [sample for sample in fitting if not said or sample[name] == said]
        if len(fitting) > 1:
            fitting = _nearest(prediction, fitting)
        if len(fitting) > 1:
            raise ExchangeError(
                f"{prediction.where} fits {len(fitting)} samples: {listed([each['sample_id'] for each in fitting])}",
                where=where,
                fix="Match by `--match id` or `--match position`",
            )
        return fitting[0] if fitting else None

    return find


def _nearest(prediction: Prediction, fitting: list[SampleRow]) -> list[SampleRow]:
    """Of samples whose images have the same names, those whose whole paths end alike."""
    theirs = [_parts(image) for image in prediction.images]

    def same(sample: SampleRow) -> bool:
        ours = [_parts(image) for image in json.loads(sample["images"])]
        pairs = zip(theirs, ours, strict=True)
        return all(one[-len(other) :] == other or other[-len(one) :] == one for one, other in pairs)

    return [sample for sample in fitting if same(sample)] if theirs else fitting


def _names(images: Iterable[str]) -> tuple[str, ...]:
    return tuple(parts[-1] if (parts := _parts(image)) else "" for image in images)


def _parts(path: str) -> tuple[str, ...]:
    return PureWindowsPath(path).parts if "\\" in path else PurePosixPath(path).parts


def _lacking(prediction: Prediction, what: str, where: str) -> ExchangeError:
    return ExchangeError(
        f"{prediction.where} has no {what} to find its sample by", where=where, fix="Choose another way with `--match`"
    )
