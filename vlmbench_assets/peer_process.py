"""Ask functions of peers, in the Python where they are installed: run as a file there, with the standard library only.

Standard input is a JSON list of questions. Standard output gets a line with the version of Python, then one JSON object
a question, in their order, each as soon as it is known: so it can be told which question ended the process.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from numbers import Real
from typing import TypedDict, cast

OURS = "vlmbench_metrics."
_OPTIONS = {"anls_compat": "AnlsOptions", "relaxed_accuracy_compat": "ToleranceOptions", "rouge": "RougeOptions"}


class Question(TypedDict):
    """What is asked: one function, one answer, its references."""

    distribution: str
    function: str
    call: str
    answer: str
    references: Sequence[str]
    options: Mapping[str, object]


class Reply(TypedDict, total=False):
    """What is said: `value`, or else why there is none: `absent`, `broken` (cannot be imported) or `raised`."""

    version: str
    value: float
    absent: str
    broken: str
    raised: str


Function = Callable[..., object]


def highest(function: Function, asked: Question) -> object:
    """Call with reference and answer; the highest over references."""
    return max(_float(function(reference, asked["answer"])) for reference in asked["references"])


def lowest(function: Function, asked: Question) -> object:
    """Call with reference and answer; the lowest over references."""
    return min(_float(function(reference, asked["answer"])) for reference in asked["references"])


def answer_first(function: Function, asked: Question) -> object:
    """Call with answer and reference; the highest over references."""
    return max(_float(function(asked["answer"], reference)) for reference in asked["references"])


def lists(function: Function, asked: Question) -> object:
    """Call with a list of references and a list of one answer; the result is a number, or the one value of a dict."""
    found = function([*asked["references"]], [asked["answer"]])
    return next(iter(found.values())) if isinstance(found, dict) else found


def sentence(function: Function, asked: Question) -> object:
    """Call with the answer and a list of references; the result has a `score`, as sacrebleu's."""
    return getattr(function(asked["answer"], [*asked["references"]]), "score", None)


def rouge(function: Function, asked: Question) -> object:
    """Make rouge-score's `RougeScorer` for one kind; the highest F1 over references."""
    kind = f"rouge{str(asked['options'].get('kind', 'l')).upper()}"
    score = cast("Callable[[str, str], Mapping[str, object]]", getattr(function([kind]), "score", None))
    scores = [score(reference, asked["answer"])[kind] for reference in asked["references"]]
    return max(_float(getattr(each, "fmeasure", None)) for each in scores)


def trees(function: Function, asked: Question) -> object:
    """Call with gold and answer as Python values where they are JSON, and as texts where they are not."""
    answer = _value(asked["answer"])
    return max(_float(function(_value(reference), answer)) for reference in asked["references"])


def applied(function: Function, asked: Question) -> object:
    """Make evalscope's metric, and apply it to a list of one answer and a list of one JSON list of references."""
    apply = cast("Callable[[list[str], list[str]], list[object]]", getattr(function(), "apply", None))
    return apply([asked["answer"]], [json.dumps([*asked["references"]])])[0]


def vlmevalkit(function: Function, asked: Question) -> object:
    """Call VLMEvalKit's `hit_calculate` as its DocVQA does: with one line, which its `process_line` has matched."""
    process_line = cast("Function", vars(sys.modules[function.__module__])["process_line"])
    line = {"answer": repr([*asked["references"]]), "prediction": asked["answer"]}
    return cast("list[object]", function([process_line(line, "anls")], "DocVQA"))[0]


def tables(function: Function, asked: Question) -> object:
    """Make a `TEDS` after PubTabNet's, and ask it (`evaluate`, or itself) about pages of answer and gold."""
    scorer = function(bool(asked["options"].get("structure_only")))
    evaluate = cast("Function", getattr(scorer, "evaluate", scorer))
    said, *golds = (f"<html><body>{text}</body></html>" for text in (asked["answer"], *asked["references"]))
    return max(_float(evaluate(said, gold)) for gold in golds)


def as_ours(function: Function, asked: Question) -> object:
    """Call a scorer of this project: the rule of a peer that is too heavy to install, as a metric named `_compat`."""
    from vlmbench_sdk import Case, Score

    options = import_module(f"{OURS}options").__dict__[_OPTIONS[function.__module__.removeprefix(OURS)]]
    case = Case(asked["answer"], tuple(asked["references"]), "text", str)
    return cast("Score", function(case, options(**asked["options"]))).value


CALLS = {
    each.__name__: each
    for each in (
        *(highest, lowest, answer_first, lists, sentence, rouge, trees, applied, vlmevalkit, tables),
        as_ours,
    )
}


def reply(asked: Question) -> Reply:
    """Import a function, call it, and say what came of it."""
    try:
        said = Reply(version=version(asked["distribution"]))
    except PackageNotFoundError:
        return {"absent": f"{asked['distribution']} is not installed"}
    function = load(asked["function"])
    if isinstance(function, str):
        return {**said, "broken": function}
    try:
        return {**said, "value": _float(CALLS[asked["call"]](function, asked))}
    except Exception as error:  # noqa: BLE001 - boundary: a peer may raise anything, and that is the finding
        return {**said, "raised": f"{type(error).__name__}: {error}"}


@cache
def load(name: str) -> "Function | str":
    """Import a function of a peer, or say why that is not possible."""
    module, _, attribute = name.partition(":")
    try:
        return cast("Function", getattr(import_module(module), attribute))
    except ModuleNotFoundError as error:
        return f"{error.name} is not installed"
    except Exception as error:  # noqa: BLE001 - boundary: importing somebody's module may raise anything
        return f"{name} cannot be imported ({type(error).__name__}: {error})"


def _value(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text


def _float(found: object) -> float:
    """A number of a peer.

    Raises:
        TypeError: When it is none.
    """
    if isinstance(found, Real):
        return float(found)
    message = f"it gave {found!r}"
    raise TypeError(message)


def main() -> None:
    """Answer what stands on standard input; what peers print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    print(sys.version.split()[0], file=out, flush=True)
    for asked in cast("list[Question]", json.load(sys.stdin)):
        print(json.dumps(reply(asked)), file=out, flush=True)


if __name__ == "__main__":
    main()
