"""Prompt collections: which rule is used, what files give, what adapters do."""

from itertools import permutations
from pathlib import Path

import pytest
from pydantic import JsonValue

from vlmbench_assets.adapters import system_in_user
from vlmbench_assets.prompt_collection import Collection, read_collection
from vlmbench_assets.work.prompt import Prompting, RenderedPrompt
from vlmbench_sdk import Example, PluginError, Prompt, PromptAdapterPlugin
from vlmbench_sdk.entries import PromptEntry

SAMPLE = {
    "sample_id": "s1",
    "doc_id": "d1",
    "doc_type": "receipt",
    "field": "total",
    "language": "en",
    "question": "What is the total?",
    "answer_type": "money",
    "subset": "clean",
    "images": '["p.png"]',
    "image_sha256": '["00"]',
}
LEVELS: list[dict[str, list[str]]] = [
    {"sample_id": ["s1"]},
    {"dataset": ["d"], "doc_type": ["receipt"], "field": ["total"]},
    {"dataset": ["d"], "field": ["total"]},
    {"doc_type": ["receipt"], "field": ["total"]},
    {"field": ["total"]},
    {"dataset": ["d"], "doc_type": ["receipt"]},
    {"dataset": ["d"]},
    {"doc_type": ["receipt"]},
    {"language": ["en"]},
    {},
]
"""Most specific first."""


def collection(root: Path, **entry: JsonValue) -> Collection:
    found, mistakes = read_collection("p", PromptEntry.model_validate(entry), root)
    assert mistakes == []
    return found


def mistakes_of(root: Path, **entry: JsonValue) -> list[str]:
    return [says for _, says in read_collection("p", PromptEntry.model_validate(entry), root)[1]]


def rendered(found: Collection, **changes: str) -> RenderedPrompt:
    return Prompting(found).render({**SAMPLE, **changes}, "d")


@pytest.mark.parametrize("first", range(len(LEVELS)))
def test_the_most_specific_rule_is_used_wherever_it_stands(first: int, tmp_path: Path) -> None:
    levels: list[JsonValue] = []
    for number, level in enumerate(LEVELS[first:], first):
        levels.append({**{name: [*values] for name, values in level.items()}, "user": str(number)})
    for rules in (levels, levels[::-1], levels[1:] + levels[:1]):
        assert rendered(collection(tmp_path, user="none", rules=rules)).user == str(first)


def test_the_order_decides_between_rules_that_go_by_the_same(tmp_path: Path) -> None:
    rules: list[JsonValue] = [{"field": ["total", "date"], "user": "1"}, {"field": ["total"], "user": "2"}]
    assert [rendered(collection(tmp_path, rules=list(each))).user for each in permutations(rules)] == ["1", "2"]


def test_what_comes_from_an_order_without_effect_has_one_digest(tmp_path: Path) -> None:
    rules: list[JsonValue] = [{"field": ["total"], "user": "1"}, {"doc_type": ["receipt"], "user": "2"}]
    assert collection(tmp_path, rules=rules).parts == collection(tmp_path, rules=rules[::-1]).parts


def test_digests_of_before_the_new_features_stand(tmp_path: Path) -> None:
    found = collection(tmp_path, system="S", user="U", rules=[{"field": ["total"], "user": "T"}])
    rule = {"dataset": [], "doc_type": [], "field": ["total"], "language": [], "user": "T", "system": None}
    assert found.parts == {"system": "S", "user": "U", "rules": [rule]}
    # What `digest_json(["S", "T"])` gave before prompts had examples.
    assert rendered(found).sha256 == "d75efe5ab7969f872dea61a60cef93df832724e78ba10c831b33d232c5b2f8a6"


def test_a_text_file_is_used_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes("\ufeffПервая строка\nRead {{ field }}.\n".encode())
    found = collection(tmp_path, user_file="x.txt", system_file="x.txt")
    assert rendered(found).user == rendered(found).system == "Первая строка\nRead total.\n"
    assert list(found.files) == ["x.txt"]
    of_rule = collection(tmp_path, rules=[{"field": ["total"], "user_file": "x.txt"}])
    assert rendered(of_rule).user.startswith("Первая")
    assert rendered(of_rule, field="date").user == SAMPLE["question"]


def test_a_csv_collection_of_the_original_gives_its_best_prompts(tmp_path: Path) -> None:
    lines = [
        "prompt;doc_class_question_type;cer",
        "worse;passport Серия и номер;0.5",
        '"best; of {{ all }}";passport Серия и номер;0,1',
        "no cer;passport Серия и номер;",
        "first;invoice Номер;0.2",
        "second;invoice Номер;0.2",
    ]
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    rules: list[JsonValue] = [{"doc_type": ["invoice"], "user": "any invoice"}]
    found = collection(tmp_path, csv="c.csv", user="other", rules=rules)
    assert rendered(found, doc_type="passport", field="Серия и номер").user == "best; of {{ all }}"
    assert rendered(found, doc_type="invoice", field="Номер").user == "first"
    assert rendered(found, doc_type="invoice", field="Дата").user == "any invoice"
    assert rendered(found).user == "other"
    (tmp_path / "old.csv").write_text("prompt;doc_class_question_type\na;receipt total\nb;receipt total\n", "utf-8")
    assert rendered(collection(tmp_path, csv="old.csv")).user == "a"


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "bad.txt").write_bytes(b"\xff")
    (root / "wrong.txt").write_text("{{ nothing }}", encoding="utf-8")
    (root / "c.csv").write_text("prompt;doc_class_question_type;cer\na;b c;x\n;b d;1\n", encoding="utf-8")
    (root / "d.csv").write_text("prompt,key\n", encoding="utf-8")
    assert "leads out of workspace" in mistakes_of(root, user_file="../secret.txt")[0]
    assert "leads out of workspace" in mistakes_of(root, user_file=str(tmp_path / "secret.txt"))[0]
    assert "leads out of workspace" in mistakes_of(root, user_file="link.txt")[0]
    image: JsonValue = [{"images": ["../secret.txt"], "user": "a", "assistant": "b"}]
    assert "leads out of workspace" in mistakes_of(root, examples=image)[0]
    assert "is not UTF-8" in mistakes_of(root, user_file="bad.txt")[0]
    assert "No such file" in mistakes_of(root, user_file="none.txt")[0]
    assert "there is no variable `nothing`" in mistakes_of(root, user_file="wrong.txt")[0]
    assert "keep one of them" in mistakes_of(root, user="a", user_file="c.csv")[0]
    assert [each.partition(": ")[2] for each in mistakes_of(root, csv="c.csv")] == [
        "cer 'x' is no number",
        "prompt or key is empty",
    ]
    assert "must name the columns" in mistakes_of(root, csv="d.csv")[0]


def test_examples_are_in_the_digest_by_content(tmp_path: Path) -> None:
    for name, content in (("a.png", b"1"), ("b.png", b"1"), ("c.png", b"2")):
        (tmp_path / name).write_bytes(content)

    def digest(image: str, assistant: str = "1.00") -> str:
        return rendered(
            collection(tmp_path, examples=[{"images": [image], "user": "u", "assistant": assistant}])
        ).sha256

    assert digest("a.png") == digest("b.png") != digest("c.png")
    assert digest("a.png") != digest("a.png", "2.00") != rendered(collection(tmp_path)).sha256
    own: JsonValue = [{"user": "u", "assistant": "a"}]
    none = collection(tmp_path, examples=own, rules=[{"field": ["total"], "user": "x", "examples": []}])
    assert rendered(none).examples == ()
    assert len(rendered(none, field="date").examples) == 1


def test_an_adapter_gets_and_gives_a_prompt(tmp_path: Path) -> None:
    adapter = PromptAdapterPlugin(name="a", version=1, adapt="vlmbench_assets.adapters:system_in_user")
    found = collection(tmp_path, system="S", user="U")
    assert Prompting(found, adapter).render(SAMPLE, "d") == RenderedPrompt(system="", user="S\n\nU")
    broken = adapter.model_copy(update={"adapt": "builtins:print"})
    with pytest.raises(PluginError, match="must return a Prompt"):
        Prompting(found, broken).render(SAMPLE, "d")


def test_a_system_prompt_goes_in_front_of_the_first_example() -> None:
    prompt = Prompt(system="S", user="U", examples=(Example(user="E", assistant="A"),))
    made = system_in_user(prompt, None)  # type: ignore[arg-type]
    assert (made.system, made.user, made.examples[0].user) == ("", "U", "S\n\nE")
    bare = Prompt(user="U")
    assert system_in_user(bare, None) is bare  # type: ignore[arg-type]
