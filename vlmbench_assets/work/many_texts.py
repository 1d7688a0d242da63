"""Normalise many texts at once: what a character becomes is looked up in a table, whatever text it is in."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vlmbench_sdk import NormalizerPlugin
from vlmbench_sdk.metric import Normalize, NormalizeMany
from vlmbench_sdk.scoring import steps_of

Codes = NDArray[np.uint32]
Places = NDArray[np.bool_]
_BETWEEN = "\uffff"
"""Stands between texts while they are one; not a character, so no text should have it."""
_CODES = 0x110000
_UNKNOWN, _ALONE_ONLY, _DROPPED = _CODES, _CODES + 1, _CODES + 2
"""In the table: not looked up yet; its text has to be done by itself; becomes nothing."""
_JAMO = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800), range(0x16D40, 0x16D80))
"""Letters that join the one before without being marks: conjoining Hangul, and vowels of Kirat Rai."""
_UTF32 = "utf-32-le"


def normalization_many(names: Sequence[str], normalizers: Mapping[str, NormalizerPlugin]) -> NormalizeMany:
    """Chain normalisers over many texts; each text becomes exactly what `normalization` makes of it.

    Raises:
        PluginError: When one cannot be imported, or is not a function.
    """
    stages: list[_Stage] = []
    for name, step in zip(names, steps_of(names, normalizers), strict=True):
        reach = normalizers[name].reach
        if reach == "text" or not stages or not stages[-1].takes(reach):
            stages.append(_Stage())
        stages[-1].add(step, reach)

    def normalize(texts: Sequence[str]) -> Sequence[str]:
        for stage in stages:
            texts = stage(texts)
        return texts

    return normalize


def many(function: Normalize) -> NormalizeMany:
    """Do to many texts what a function of reach `characters` does to one."""
    stage = _Stage()
    stage.add(function, "characters")
    return stage


class _Stage:
    """Normalisers that are done together: some that look at single characters, then one that looks at spaces."""

    def __init__(self) -> None:
        self._steps: list[Callable[[str], str]] = []
        self._reach = ""
        # A code of a text that is found here as it stands needs no more.
        self._table = np.full(_CODES, _UNKNOWN, dtype=np.uint32)

    def takes(self, reach: str) -> bool:
        """Whether another normaliser can be done in the same pass: nothing can after one that looks at spaces."""
        return self._reach == "characters" and reach in {"characters", "spaces"}

    def add(self, step: Callable[[str], str], reach: str) -> None:
        """Take another normaliser."""
        self._steps.append(step)
        self._reach = reach

    def __call__(self, texts: Sequence[str]) -> Sequence[str]:
        if self._reach == "text" or not texts:
            return [self._one(text) for text in texts]
        joined = _BETWEEN.join(texts)
        if joined.count(_BETWEEN) != len(texts) - 1:
            return [self._one(text) for text in texts]
        codes = np.frombuffer(joined.encode(_UTF32, "surrogatepass"), dtype=np.uint32)
        found = self._table[codes]
        if found.size and found.max() >= _UNKNOWN:
            unknown = np.unique(codes[found == _UNKNOWN])
            if unknown.size:
                self._table[unknown] = [self._becomes(chr(code)) for code in unknown]
                found = self._table[codes]
        return self._split(texts, found)

    def _split(self, texts: Sequence[str], found: Codes) -> list[str]:
        """Cut what was looked up into texts again, and do those by themselves that the table cannot."""
        between = found == ord(_BETWEEN)
        ends = np.flatnonzero(between)
        untidy = _texts_at(_untidy(found, between), ends) if self._reach == "spaces" else []
        alone: list[int] = []
        if found.max(initial=0) >= _UNKNOWN:
            alone = _texts_at(found == _ALONE_ONLY, ends)
            found = found[found != _DROPPED]
            found[found == _ALONE_ONLY] = ord(" ")
        made = found.tobytes().decode(_UTF32).split(_BETWEEN)
        for index in untidy:
            made[index] = self._steps[-1](made[index])
        for index in alone:
            made[index] = self._one(texts[index])
        return made

    def _one(self, text: str) -> str:
        for step in self._steps:
            text = step(text)
        return text

    def _becomes(self, char: str) -> int:
        """What a character becomes alone, where that is what it becomes everywhere."""
        if char == _BETWEEN:
            return ord(char)
        steps = self._steps[:-1] if self._reach == "spaces" else self._steps
        text = char
        for step in steps:
            if not _stands_alone(text):
                return _ALONE_ONLY
            text = step(text)
        if not text:
            return _DROPPED
        return ord(text) if _stands_alone(text) and text != _BETWEEN else _ALONE_ONLY


def _stands_alone(text: str) -> bool:
    """Whether a text is one character that joins none beside it, or none."""
    if not text:
        return True
    joins = len(text) > 1 or unicodedata.category(text) in {"Mn", "Mc", "Me", "Cs"}
    return not joins and not any(ord(text) in each for each in _JAMO)


_SPACE = np.zeros(_CODES + 3, dtype=np.bool_)
_SPACE[[code for code in range(0x3001) if chr(code).isspace()]] = True


def _texts_at(places: Places, ends: NDArray[np.intp]) -> list[int]:
    """The texts that some places lie in."""
    at = np.flatnonzero(places)
    return [int(each) for each in np.unique(np.searchsorted(ends, at))] if at.size else []


def _untidy(found: Codes, between: Places) -> Places:
    """Where white space is anything but one space between two other characters of the same text."""
    space = cast("Places", _SPACE[found])
    edge = space | between
    if found.max(initial=0) >= _UNKNOWN:
        # What stands beside a character that goes is known only once it is gone.
        edge |= found >= _UNKNOWN
    untidy = space & (found != ord(" "))
    untidy[1:] |= space[1:] & edge[:-1]
    untidy[:-1] |= space[:-1] & edge[1:]
    if found.size:
        untidy[0] |= space[0]
        untidy[-1] |= space[-1]
    return untidy
