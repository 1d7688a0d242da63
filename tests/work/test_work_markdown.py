"""Tables of hostile text stay tables."""

from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vlmbench_assets.work.markdown import escape, interval, markdown_table, number, percent

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
hostile = st.text(
    st.one_of(st.sampled_from("|\\`*_<>&#[]()!~$\n\r\t\x00\u2028 ab"), st.characters(codec="utf-8")), max_size=40
)


@given(st.lists(st.tuples(hostile, hostile), min_size=1, max_size=5))
@example([("a|b", "\\|"), ("```\n# x", "<script>alert(1)</script>"), ("\x00", "\u2028| x |")])
@example([("", "__0__")])
@example([("![x](y)", "[x](javascript:y)"), ("-", "---"), ("&lt;b&gt;", "$x$")])
def test_hostile_cells_cannot_break_a_table(rows: list[tuple[str, str]]) -> None:
    tokens = PARSER.parse(markdown_table(["one", "two"], rows))
    kinds = [token.type for token in tokens]
    assert kinds[0] == "table_open"
    assert kinds[-1] == "table_close"
    assert kinds.count("table_open") == 1
    assert kinds.count("tr_open") == 1 + len(rows)
    assert kinds.count("td_open") == 2 * len(rows)
    inline = {child.type for token in tokens for child in token.children or []}
    assert inline <= {"text", "text_special"}


@given(hostile)
def test_a_cell_shows_the_text_it_was_given(text: str) -> None:
    shown = escape(text, 1000)
    assert "\n" not in shown
    for token in PARSER.parse(f"| a |\n|---|\n| x{shown}x |\n"):
        if token.type == "inline" and token.content.startswith("x"):
            said = unescape("".join(child.content for child in token.children or []))
            for character in set(text) & set("|\\`*_[]#ab"):
                assert said.count(character) == text.count(character)


def test_long_text_is_cut_and_says_so() -> None:
    assert escape("ж" * 500) == "ж" * 119 + "…"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (number(0.12345), "0.123"),
        (number(0.0), "0.000"),
        (number(-0.0004), "0.000"),
        (interval(-0.0004, 0.5), "0.000 to 0.500"),
        (number(None), "—"),
        (number(float("nan")), "—"),
        (percent(0.5), "50.0 %"),
        (percent(None), "—"),
        (interval(None, 0.5), ""),
    ],
)
def test_numbers_as_people_read_them(said: str, meant: str) -> None:
    assert said == meant
