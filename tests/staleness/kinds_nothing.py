"""Changes that make nothing stale."""

import os
import shutil
from pathlib import Path

from tests.staleness.kinds import Kind, edit
from tests.staleness.made import ASKING, MINE, PLAIN, PROMPTS, TINY, write_benchmark
from tests.support import write_yaml


def copy_anew(folder: Path) -> None:
    """The same bytes under other times and inodes."""
    shutil.copytree(folder, folder.with_name("again"), copy_function=shutil.copyfile)
    shutil.rmtree(folder)
    folder.with_name("again").rename(folder)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))


def move_source(root: Path) -> None:
    (root / "source/tiny").rename(root / "other")
    write_yaml(root, "datasets/tiny", "reader: jsonl\nsource: other\n")


def extend(root: Path) -> None:
    write_yaml(root, "models/base", "abstract: true\nplugin: echo\n")
    write_yaml(root, "models/plain", "extends: base\noptions: {answer: '{field}'}\n")


def same_kind(root: Path) -> None:
    write_yaml(root, "environments/own", "kind: process\ntimeout_s: 99\nenv: [PATH]\nbinaries: {python: install it}\n")
    write_yaml(root, "models/plain", PLAIN + "environment: own\n")


def rename_prompts(root: Path) -> None:
    (root / "registries/prompts/p.yaml").rename(root / "registries/prompts/z.yaml")
    write_yaml(root, "models/asking", ASKING.replace("prompts: p", "prompts: z"))


NOTHING = [
    Kind("nothing, in another folder"),
    Kind("comment, key order and quotes", edit("models/plain", 'options:\n  answer: "{field}"\nplugin: echo # x\n')),
    Kind("description", edit("models/plain", PLAIN + "description: for lists\n")),
    Kind("retry policy", edit("models/plain", PLAIN + "retry: {attempts: 9, first_s: 3}\n")),
    Kind("GPUs, share and shards", edit("models/plain", PLAIN + "gpus: 2\ngpu_share: 0.5\nshards: 3\n")),
    Kind("option without effect", edit("models/plain", "plugin: echo\noptions: {answer: '{field}', latency_ms: 3}\n")),
    Kind("default written out", edit("models/plain", "plugin: echo\noptions: {answer: '{field}', fail_load: ''}\n")),
    Kind("generation default written out", edit("models/plain", PLAIN + "generation: {seed: null, stop: []}\n")),
    Kind("entry that now extends another", extend),
    Kind("environment of the same kind", same_kind),
    Kind("a model that is in no benchmark", edit("models/other", "plugin: echo\n")),
    Kind("prompt rule that matches nothing", edit("prompts/p", PROMPTS + "- {field: [none], user: x}\n")),
    Kind("prompt rule after one that takes all it matches", edit("prompts/p", PROMPTS + "- {field: [f1], user: x}\n")),
    Kind("prompt adapter that changes no prompt", edit("models/asking", ASKING + "adapter: system_in_user\n")),
    Kind("prompt rule with the collection's own prompt", edit("prompts/p", PROMPTS + "- {field: [f0]}\n")),
    Kind(
        "general prompt rule before a special one",
        edit(
            "prompts/p", PROMPTS.replace("rules:\n", "rules:\n- {doc_type: [receipt], user: 'Read: {{ question }}'}\n")
        ),
    ),
    Kind("where a prompt was tuned", edit("prompts/p", PROMPTS + "tuned_on: ['big:train']\n")),
    Kind("prompt collection under another name", rename_prompts),
    Kind("licence and description of a dataset", edit("datasets/tiny", TINY + "licence: MIT\ndescription: small\n")),
    Kind("source moved", move_source),
    Kind("source with other times and inodes", lambda root: copy_anew(root / "source")),
    Kind("results with other times and inodes", lambda root: copy_anew(root / "data")),
    Kind("order of metrics", lambda root: write_benchmark(root, metrics="mine, exact_match")),
    Kind("order of models", lambda root: write_benchmark(root, models="plain, asking")),
    Kind("default of a metric written out", edit("metrics/mine", MINE + "options: {typed: false}\n")),
    Kind("dimension that is always there left out", lambda root: write_benchmark(root, dimensions="field")),
]
