"""`vlmbench compare`, the leaderboard's ranks, pairs of dimensions, pages and resolution: over a real workspace."""

import csv
import json
import random
from pathlib import Path

import pytest
from PIL import Image

from tests.cells import answer, bench_of, make_everything, score
from tests.support import Run, write_yaml
from vlmbench_assets.comparing import compare_models
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.make.leaderboard import rank_dataset
from vlmbench_sdk import WorkspaceError

BENCHMARK = """
models: [one, two]
datasets: [pages]
metrics: [exact_match, cer]
headline: exact_match
dimensions: [overall, [doc_type, field], pages, resolution]
"""
RIGHT = {"clean": 0.8, "rotated": 0.4}


@pytest.fixture
def scored(workspace: Path) -> Path:
    """Two models on 24 documents, clean and rotated: `one` is right where the gold is a, `two` where it is b."""
    for file in (workspace / "registries").rglob("*.yaml"):
        file.unlink()
    for model, says in (("one", "a"), ("two", "b")):
        write_yaml(workspace, f"models/{model}", f"plugin: echo\noptions: {{answer: '{says}'}}\n")
    write_yaml(workspace, "datasets/pages", "reader: jsonl\nsource: source\n")
    write_yaml(workspace, "benchmarks/b", BENCHMARK)
    write_documents(workspace)
    make_everything(workspace)
    return workspace


def write_documents(root: Path, documents: int = 24) -> None:
    (root / "source").mkdir(exist_ok=True)
    Image.new("L", (300, 400)).save(root / "source" / "small.png")
    Image.new("L", (1300, 1400)).save(root / "source" / "large.png")
    chance = random.Random(3)
    lines = []
    for document in range(documents):
        for subset, share in RIGHT.items():
            for field in ("f0", "f1"):
                drawn = chance.random()
                said = {"role": "assistant", "content": "a" if drawn < share else "b" if drawn < share + 0.1 else "c"}
                lines.append(
                    {
                        "id": f"{document:02d}-{subset}-{field}",
                        "doc_id": f"d{document:02d}",
                        "doc_type": "receipt" if document % 2 else "card",
                        "field": field,
                        "subset": subset,
                        "images": ["small.png"] if document % 3 else ["small.png", "large.png"],
                        "messages": [{"role": "user", "content": f"What is {field}?"}, said],
                    }
                )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (root / "source" / "samples.jsonl").write_text(text, encoding="utf-8")


def test_two_models_are_compared_and_ranked(scored: Path, vlmbench: Run) -> None:
    said = vlmbench("compare", "one", "two", check=0).stdout
    assert "pages: exact_match (higher is better)" in said
    assert "from clean to each degradation" in said
    bench = bench_of(scored)
    found = compare_models(bench, ["one", "two"], "pages")
    pair = found.pairs[0].comparison
    overall = pair.overall
    assert overall.verdict == "worse"
    assert overall.p_holm == overall.p_value
    assert overall.wins + overall.ties + overall.losses == 96
    assert {dimension for dimension, _, _ in pair.slices} == {"doc_type*field", "pages", "resolution"}
    subset, drop = found.robustness["one"][0]
    assert (subset, drop.samples, drop.documents, drop.verdict) == ("rotated", 48, 24, "worse")
    # The other way round everything has the other sign.
    mirrored = compare_models(bench, ["two", "one"], "pages").pairs[0].comparison.overall
    assert overall.difference is not None
    assert overall.low is not None
    assert overall.high is not None
    assert [mirrored.difference, mirrored.low, mirrored.high] == [-overall.difference, -overall.high, -overall.low]
    assert (mirrored.p_value, mirrored.verdict) == (overall.p_value, "better")
    table = rank_dataset(bench, "pages").table
    page = (scored / "data/leaderboard/pages/leaderboard.md").read_text(encoding="utf-8")
    assert table[["model", "rank_low", "rank_high"]].to_numpy().tolist() == [["one", 1, 1], ["two", 2, 2]]
    assert "| model | exact_match | 95 % | rank | possible | front |" in page


def test_groups_by_pairs_pages_and_resolution(scored: Path) -> None:
    path = scored / "data/aggregates/one/pages/aggregates.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    groups = {(row["dimension"], row["group"]): int(row["documents"]) for row in rows}
    assert groups["doc_type*field", "card|f1"] == 12
    assert groups["pages", "1"] == groups["resolution", "0 to 0.5 MP"] == 16
    assert groups["pages", "2"] == groups["resolution", "1 to 2 MP"] == 8
    methods = {row["ci_method"] for row in rows if row["dimension"] == "pages"}
    assert all(method.endswith("_few") for method in methods)


def test_what_does_not_mean_the_same_is_not_compared(scored: Path) -> None:
    write_yaml(scored, "metrics/exact_match", "plugin: exact_match\nnormalize: [casefold]\n")
    score(scored, "one", "pages")
    bench = bench_of(scored)
    with pytest.raises(WorkspaceError, match="their scores do not mean the same"):
        compare_models(bench, ["one", "two"], "pages")
    with pytest.raises(WorkspaceError, match="it was not scored by metric 'wer'"):
        compare_models(bench, ["one", "two"], "pages", "wer")
    table = rank_dataset(bench, "pages").table
    assert table[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert "another version of exact_match, so not compared" in table["note"].iloc[1]


def test_other_samples_are_left_out_and_said(scored: Path, vlmbench: Run) -> None:
    lines = (scored / "source/samples.jsonl").read_text(encoding="utf-8").splitlines()
    edited = json.loads(lines[0])
    edited["messages"][1]["content"] = "other"
    reworded = json.loads(lines[1])
    reworded["messages"][0]["content"] = "Which is f1?"
    text = "\n".join([json.dumps(edited), json.dumps(reworded), *lines[2:-1]]) + "\n"
    (scored / "source/samples.jsonl").write_text(text, encoding="utf-8")
    answer(scored, "two", "pages")
    score(scored, "two", "pages")
    said = vlmbench("compare", "one", "two", check=0).stdout
    assert "left out: 1 samples asked of one only, such as 23-rotated-f1" in said
    other = "left out: 2 samples with another question, images or references for one than for two, such as 00-clean-f0"
    assert other in said
    # What the leaderboard says of a model's scores stands here too.
    assert "one: stale: question changed (1 of 95 samples); 1 sample removed" in said
    table = rank_dataset(bench_of(scored), "pages").table
    assert table[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    write_yaml(scored, "prompts/p", "user: '{{ question }}'\ntuned_on: ['pages:test']\n")
    write_yaml(scored, "models/three", "plugin: echo\noptions: {answer: a}\nprompts: p\n")
    answer(scored, "three", "pages", Asking(limit=40))
    score(scored, "three", "pages")
    warnings = compare_models(bench_of(scored), ["two", "three"], "pages").warnings
    assert list(warnings) == ["three"]
    assert warnings["three"][:2] == ["first 40 samples only", "its prompts were tuned on this split"]


def test_mistakes_are_named(scored: Path, vlmbench: Run) -> None:
    assert "at least two models" in vlmbench("compare", "one", check=2).stderr
    assert "two models; one is named 2 times" in vlmbench("compare", "one", "one", check=2).stderr
    for command in (["compare", "one", "two"], ["diff", "one", "pages"]):
        assert "-1 is not in the range x>=0" in vlmbench(*command, "--limit", "-1", check=2).stderr
    write_yaml(scored, "models/new", "plugin: echo\n")
    assert "no dataset on which all of them were scored" in vlmbench("compare", "one", "new", check=1).stderr
    write_yaml(scored, "benchmarks/b", BENCHMARK.replace("pages, resolution", "pages*field*doc_type"))
    assert "has 3 dimensions; a pair has two" in vlmbench("check", check=1).stdout
