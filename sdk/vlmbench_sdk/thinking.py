"""Tell an answer from the thinking that stands in front of it in the same text."""

import re

THINKING = "1"
"""Raised whenever the same text could be read otherwise."""
_OPENING = re.compile(r"\s*(?:<think(?:ing)?>|◁think▷)")
_CLOSING = re.compile(r"</think(?:ing)?>|◁/think▷")
"""What models of the Qwen3, DeepSeek-R1, MiniCPM and Kimi-VL families write around it. Endpoints with a parser for it
send it as `reasoning_content` or `reasoning` instead, which never becomes part of an answer."""


def without_thinking(text: str, *, opened: bool = False) -> str:
    """Return what follows the thinking; a text without thinking as it is, and nothing where thinking never ended.

    Args:
        text: What a model said.
        opened: Whether the chat template writes the opening tag itself, so that a text has the closing one only, and
            one without it is all thinking.
    """
    said, closed = text, False
    for found in _CLOSING.finditer(text):
        said, closed = text[found.end() :].lstrip(), True
    unended = _OPENING.match(said) or (opened and not closed)
    return "" if unended else said
