"""Scoring many answers at once says what scoring one by one says; thresholds; texts normalised together."""

import json
import unicodedata
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.work.cells import Row, tables_of
from vlmbench_assets.work.many_texts import _JAMO, many, normalization_many
from vlmbench_assets.work.score import LoadedMetric, load_metric, score
from vlmbench_sdk import MetricEntry
from vlmbench_sdk.metric import letters
from vlmbench_sdk.plugins import load_plugins
from vlmbench_sdk.scoring import normalization

PLUGINS = load_plugins()
PROFILES = [
    ("nfkc", "casefold", "quotes", "dashes", "yo", "whitespace"),
    ("punctuation", "whitespace", "casefold"),
    ("whitespace", "punctuation"),
    ("casefold", "lookalikes", "articles", "whitespace"),
    ("dates", "nfkc", "money"),
    (),
]
TEXTS = st.one_of(
    st.text(),
    st.text(st.sampled_from("015.,-\u2212$ xा"), max_size=6),
    st.text(st.sampled_from("aBё́́ßİΣςﬁ½각 \t\n\u00a0\u2003—«»-.,\0\uffff\ud800\U0001f1f7"), max_size=12),
)


def metric(text: str) -> LoadedMetric:
    entry = MetricEntry.model_validate_json(text)
    return load_metric("m", entry, PLUGINS.metrics[entry.plugin], PLUGINS.normalizers)


@pytest.mark.parametrize("names", PROFILES, ids=",".join)
@settings(deadline=None)
@given(texts=st.lists(TEXTS, max_size=8))
def test_texts_together_become_what_each_becomes(names: tuple[str, ...], texts: list[str]) -> None:
    one = normalization(names, PLUGINS.normalizers)
    assert [*normalization_many(names, PLUGINS.normalizers)(texts)] == [one(text) for text in texts]
    assert [*many(letters)(texts)] == [letters(text) for text in texts]


def test_every_character_that_joins_the_one_before_is_done_in_its_text() -> None:
    joining = set()
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            joining.add(int(parts[1], 16))
    for code in joining | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3)):
        mark = unicodedata.category(chr(code)).startswith("M")
        assert mark or any(code in each for each in _JAMO), hex(code)


@pytest.mark.parametrize("plugin", sorted(name for name, each in PLUGINS.metrics.items() if each.score_many))
@settings(deadline=None)
@given(
    pairs=st.lists(
        st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=2), st.sampled_from(["text", "money"])), max_size=6
    )
)
def test_many_score_as_one_by_one(plugin: str, pairs: list[tuple[str, list[str], str]]) -> None:
    loaded = metric(json.dumps({"plugin": plugin, "normalize": PROFILES[0], "threshold": 0.5}))
    columns = ([each[0] for each in pairs], [tuple(each[1]) for each in pairs], [each[2] for each in pairs])
    for one in (loaded, replace(loaded, entry=loaded.entry.model_copy(update={"threshold": None}))):
        there, here = one.score(*columns), replace(one, many=None).score(*columns)
        assert [*map(list, (there.values, there.weights, there.categories, there.details))] == [
            *map(list, (here.values, here.weights, here.categories, here.details))
        ]


def test_a_threshold_makes_a_share_of_right_answers() -> None:
    similar = metric('{"plugin": "levenshtein_similarity", "threshold": 0.8, "normalize": ["casefold"]}')
    found = similar.score(["hallo", "hal", "", "HELLO!"], [("hello",)] * 4, ["text"] * 4)
    assert found.values == [1.0, 0.0, 0.0, 1.0]
    assert found.categories == ["correct", "wrong_value", "missing", "correct"]
    rate = metric('{"plugin": "cer", "threshold": 0.2}').score(["hallo", "hal"], [("hello",)] * 2, ["text"] * 2)
    assert (rate.values, rate.weights) == ([1.0, 0.0], [1.0, 1.0])
    none = metric('{"plugin": "numeric_tolerance", "threshold": 1}').score(["5", "x"], [("?",), ("5",)], ["number"] * 2)
    assert (none.values, none.categories) == ([None, 0.0], ["", "unparsed"])


def test_a_table_of_scores() -> None:
    samples, answers, _ = tables_of(
        [
            Row("d", "1", {}, references=["abc"], answer="abd", field="f", doc_type="x"),
            Row("c", "1", {}, references=["long", ""], status="timeout", field="g"),
            Row("b", "1", {}, references=[], answer="x", field="f"),
            Row("a", "1", {}, references=["x"], answer="x", field="f"),
        ]
    )
    samples = samples.iloc[::-1].reset_index(drop=True)
    loaded = [
        replace(metric('{"plugin": "cer"}'), name="cer"),
        replace(metric('{"plugin": "anls", "applies_to": {"field": ["f"], "doc_type": ["receipt"]}}'), name="anls"),
    ]
    table = score(samples, answers, loaded)
    assert table[["sample_id", "metric"]].to_numpy().tolist() == [
        ["d", "cer"],
        ["c", "cer"],
        ["b", "cer"],
        ["b", "anls"],
        ["a", "cer"],
        ["a", "anls"],
    ]
    assert table["value"].fillna(-1).tolist() == [1 / 3, -1, -1, -1, 0, 1]
    assert table["detail"].tolist() == ["", "timeout", "no gold", "no gold", "", ""]
    assert table["weight"].tolist() == [3, 1, 1, 1, 1, 1]
    kept = table.assign(detail="kept")
    again = score(samples, answers, loaded, kept[kept["metric"] == "cer"])
    assert again["detail"].tolist() == ["kept", "kept", "kept", "no gold", "kept", ""]
    pd.testing.assert_frame_equal(again.drop(columns="detail"), table.drop(columns="detail"))
    assert score(samples, answers, []).columns.tolist() == table.columns.tolist()


def test_what_a_scorer_raises_names_metric_and_sample() -> None:
    def broken(case: object, options: object) -> object:
        raise ValueError(case, options)

    loaded = replace(metric('{"plugin": "token_f1"}'), scorer=broken)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Case") as caught:
        loaded.score(["a"], [("b",)], ["text"], ["sample-7"])
    assert caught.value.__notes__ == ["sample sample-7", "metric m (token_f1@1)"]
