"""Tell an answer from the thinking that stands in front of it in the same text."""

OPENING, CLOSING = "<think>", "</think>"
"""What models of the Qwen3, DeepSeek-R1 and MiniCPM families write around it. Endpoints with a parser for it send it as
`reasoning_content` or `reasoning` instead, which never becomes part of an answer."""


def without_thinking(text: str) -> str:
    """Return what follows the thinking; a text without thinking as it is, and nothing where thinking never ended.

    Some chat templates write the opening tag themselves, so that a text has the closing one only.
    """
    _, closing, said = text.rpartition(CLOSING)
    if closing:
        return said.lstrip()
    return "" if text.lstrip().startswith(OPENING) else text
