"""Write a page as Markdown, its pictures beside it."""

from collections.abc import Sequence
from typing import assert_never

from vlmbench_assets.page.blocks import (
    Block,
    Bullets,
    Code,
    Commands,
    Folded,
    Inline,
    Link,
    Notice,
    Page,
    Paragraph,
    Picture,
    SampleCard,
    Strong,
    Table,
    Tiles,
)
from vlmbench_assets.printable import printable
from vlmbench_assets.work.markdown import escape, markdown_table

LONGEST_SENTENCE = 4000


def page_markdown(page: Page) -> str:
    """Write the page."""
    parts = [f"# {escape(page.title)}", *_blocks(page.lead)]
    for section in page.sections:
        parts += [f"## {escape(section.title)}", *_blocks(section.blocks)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _blocks(blocks: Sequence[Block]) -> list[str]:
    parts: list[str] = []
    cards: list[SampleCard] = []
    for block in blocks:
        if isinstance(block, SampleCard):
            cards.append(block)
            continue
        parts += [*_cards(cards), _block(block)]
        cards = []
    return [*parts, *_cards(cards)]


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return _line(parts)
        case Notice(parts):
            return f"> {_line(parts)}"
        case Bullets(items):
            return "\n".join(f"- {_line(item)}" for item in items)
        case Tiles(tiles):
            values = [f"{tile.value} ({tile.note})" if tile.note else tile.value for tile in tiles]
            return markdown_table([tile.name for tile in tiles], [values])
        case Table():
            table = _table(block)
            return f"{escape(block.caption, LONGEST_SENTENCE)}\n\n{table}" if block.caption else table
        case Picture():
            return f"![{escape(block.caption)}]({block.file})\n\n{escape(block.caption, LONGEST_SENTENCE)}."
        case Commands(text):
            return f"```\n{printable(text)}\n```"
        case Folded(summary, blocks):
            # Headings, where HTML folds: not every reader of Markdown folds, and none may lose them.
            return "\n\n".join([f"### {escape(summary)}", *_blocks(blocks)])
        case SampleCard():
            return "\n\n".join(_cards([block]))
        case _:
            assert_never(block)


def _table(table: Table) -> str:
    head, line, *_ = markdown_table(table.header, []).splitlines()
    rows = [
        " | ".join(_inline(cell) if isinstance(cell, Link) else escape(cell, table.longest) or " " for cell in row)
        for row in table.rows
    ]
    return "\n".join([head, line, *(f"| {row} |" for row in rows)]) + "\n"


def _line(parts: Sequence[Inline]) -> str:
    return "".join(_inline(part) for part in parts)


def _inline(part: Inline) -> str:
    match part:
        case str():
            # Sentences are joined, and `escape` would take the blanks at their ends.
            before, after = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
            return part if part.isspace() else f"{before}{escape(part, LONGEST_SENTENCE)}{after}"
        case Strong(text):
            return f"**{escape(text, LONGEST_SENTENCE)}**"
        case Code(text):
            return f"`{printable(text.replace('`', ' '))}`"
        case Link(text, path):
            return f"[{escape(text)}](<{path}>)"
        case _:
            assert_never(part)


def _cards(cards: Sequence[SampleCard]) -> list[str]:
    """Samples as one table, since Markdown has no cards."""
    if not cards:
        return []
    speakers = list(dict.fromkeys(who for card in cards for who, _ in card.answers))
    facts = list(dict.fromkeys(name for card in cards for name, _ in card.facts))
    rows = [
        [
            card.title,
            card.question,
            " / ".join(card.gold),
            *(dict(card.answers).get(who, "") for who in speakers),
            *(dict(card.facts).get(name, "") for name in facts),
        ]
        for card in cards
    ]
    return [markdown_table(["sample", "question", "gold", *speakers, *facts], rows)]
