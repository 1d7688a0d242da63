"""Hold answers against their output contracts, after they were asked and before they are scored.

`answers.csv` keeps what a model said. Which of it breaks its contract, and what value the rest gives, is worked out
anew each time it is read, so that another contract asks no model again.
"""

import json
from collections.abc import Mapping

import pandas as pd

from vlmbench_assets.prompt_collection import Collection
from vlmbench_assets.tables import rows_of
from vlmbench_sdk.entries import Expects
from vlmbench_sdk.parsing import parse
from vlmbench_sdk.thinking import without_thinking

READ = frozenset({"ok", "truncated"})
"""Statuses of answers that are held against a contract: an empty answer says that there is nothing to read."""

LONGEST_SHOWN = 60
"""Characters of a reference that are shown."""


def contracts_of(collection: Collection | None, samples: pd.DataFrame, dataset: str) -> dict[str, Expects]:
    """The output contract of each sample that has one."""
    if collection is None or collection.contracts is None:
        return {}
    found = {row["sample_id"]: collection.expects(row, dataset) for row in rows_of(samples)}
    return {sample_id: expects for sample_id, expects in found.items() if expects is not None}


def unreadable_gold(samples: pd.DataFrame, contracts: Mapping[str, Expects]) -> dict[str, str]:
    """Samples that no answer can match, because their contract reads none of their references; with the reason."""
    found = {}
    for name, references in zip(samples["sample_id"], samples["references"], strict=True):
        gold = [each for each in json.loads(references) if each.strip()] if name in contracts else []
        problems = [parse(each, contracts[name]).problem for each in gold]
        if problems and all(problems):
            found[name] = f"{gold[0][:LONGEST_SHOWN]!r} as {contracts[name].type}: {problems[0]}"
    return found


def spoken(answers: pd.DataFrame, thinking: str) -> pd.DataFrame:
    """The same answers without thinking; one that is nothing but thinking is empty.

    Args:
        answers: Answers as they came.
        thinking: The model's setting: `strip`, `open` or `keep`.
    """
    if thinking == "keep":
        return answers
    said = answers["answer"].map(lambda text: without_thinking(text, opened=thinking == "open"))
    if said.equals(answers["answer"]):
        return answers
    read = answers.assign(answer=said)
    read.loc[(read["status"] == "ok") & (said == ""), "status"] = "empty"
    return read


def with_failures(answers: pd.DataFrame, contracts: Mapping[str, Expects]) -> pd.DataFrame:
    """The same answers; those that break their contract have status `parse_failed` and say why, text untouched."""
    if not contracts:
        return answers
    said = zip(answers["sample_id"], answers["status"], answers["answer"], strict=True)
    problems = [
        parse(answer, contracts[name]).problem if name in contracts and status in READ else ""
        for name, status, answer in said
    ]
    failed = pd.Series([bool(each) for each in problems], index=answers.index)
    read = answers.copy()
    read.loc[failed, "status"] = "parse_failed"
    read.loc[failed, "error"] = [f"output contract: {each}" for each in problems if each]
    return read


def in_normal_form(
    samples: pd.DataFrame, answers: pd.DataFrame, contracts: Mapping[str, Expects]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Samples and answers as they are scored: both sides in normal form, so that only the value counts.

    A reference that its contract cannot read stays as it is.
    """
    if not contracts:
        return samples, answers
    read = answers.copy()
    read["answer"] = [
        parse(answer, contracts[name]).text if name in contracts and status in READ else answer
        for name, status, answer in zip(answers["sample_id"], answers["status"], answers["answer"], strict=True)
    ]
    gold = samples.copy()
    gold["references"] = [
        _normal_references(references, contracts[name]) if name in contracts else references
        for name, references in zip(samples["sample_id"], samples["references"], strict=True)
    ]
    return gold, read


def _normal_references(references: str, expects: Expects) -> str:
    normal = [parse(each, expects).text or each if each else each for each in json.loads(references)]
    return json.dumps(normal, ensure_ascii=False)
