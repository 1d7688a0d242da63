"""Pages: nothing in them is markup unless the page says so, and they need nothing beside them."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from vlmbench_assets.page.as_html import is_number, page_html
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.page.blocks import (
    Bullets,
    Code,
    Commands,
    Folded,
    Link,
    Notice,
    Page,
    Paragraph,
    Picture,
    SampleCard,
    Section,
    Strong,
    Table,
    Tile,
    Tiles,
)
from vlmbench_assets.page.changes import LONGEST, changes

HOSTILE = "</script><img src=x onerror=alert(1)> & `x` | [a](b)\u2028\x00\ud800"


def _page(text: str) -> Page:
    card = SampleCard(text, text, (text,), (("model", text + "x"),), (("score", "0.5"),), b"\x89PNG-like")
    return Page(
        text,
        (Paragraph((text, Strong(text), Code(text))), Tiles((Tile(text, "0.93", text),)), Notice((text,))),
        (
            Section(text, (Table((text, "n"), ((text, "1"), (text, "—"), ("z", "12")), caption=text), card)),
            Section("b", (Picture(text, "a.png", b"\x89PNG", Table(("a",), ((text,),))), Bullets(((text,),)))),
            Section("c", (Commands(text), Folded(text, (Table(("", ""), ((text, "v"),)), card)))),
            Section(
                "d", (Paragraph((Link("csv", "leaderboard.csv"),)), Table(("a",), ((Link(text, "report.html"),),)))
            ),
        ),
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "img", "br", "link"}:
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _read(html: str) -> _Tags:
    tags = _Tags()
    tags.feed(html)
    assert not tags.open
    return tags


def test_text_never_becomes_markup_in_html() -> None:
    plain, hostile = _read(page_html(_page("plain"))), _read(page_html(_page(HOSTILE)))
    assert hostile.tags == plain.tags
    assert {address.split(",")[0].split("#")[0] for address in hostile.addresses} == {
        "",
        "data:image/png;base64",
        "leaderboard.csv",
        "report.html",
    }
    page_html(_page(HOSTILE)).encode("utf-8")


@given(st.text(max_size=40))
def test_any_text_gives_one_row_a_row_in_markdown(text: str) -> None:
    for cell in (text, Link(text, "a.md")):
        lines = page_markdown(Page("t", (), (Section("s", (Table(("a", "b"), ((cell, "x"),)),)),))).split("\n")
        assert len(lines) == 8
        assert len(re.findall(r"(?<!\\)\|", lines[6])) == 3


def test_nothing_turns_the_order_of_characters() -> None:
    turned = "\u202e21\u2066\u200f"
    for written in (page_html(_page(turned)), page_markdown(_page(turned))):
        assert "21" in written
        assert not set(written) & {"\u202e", "\u2066", "\u200f"}


def test_the_same_page_gives_the_same_bytes() -> None:
    assert page_html(_page("a")) == page_html(_page("a"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_changes_give_back_both_texts(gold: str, answer: str) -> None:
    found = changes(gold, answer)
    assert "".join(text for kind, text in found if kind != "answer") == gold
    assert "".join(text for kind, text in found if kind != "gold") == answer


def test_very_long_texts_are_not_compared() -> None:
    assert [change.kind for change in changes("a" * (LONGEST + 1), "a")] == ["gold", "answer"]


def test_no_heading_of_a_table_is_empty() -> None:
    html = page_html(Page("t", (), (Section("s", (Table(("", "n"), (("a", "1"),)),)),)))
    assert "<thead><tr><td></td><th" in html


def test_numbers_stand_at_the_right() -> None:
    assert all(map(is_number, ["0.93", "—", "−1.5", "12 %", "411 ms", "1 024", "3–4", ""]))
    assert not any(map(is_number, ["receipt-1", "1a", "0.1 to 0.2", "2026-11-21"]))


def test_texts_that_share_little_are_shown_whole() -> None:
    assert [change.kind for change in changes("invoice", "contract")] == ["gold", "answer"]
    assert [change.kind for change in changes("288.35", "288.95")] == ["same", "gold", "answer", "same"]
