"""From a model entry's generation settings to those of the library."""

from pydantic import JsonValue

from vlmbench_sdk import Generation

MAX_NEW_TOKENS = 512
"""Where neither the entry nor the weights say it; the library's own limit of 20 tokens, prompt included, is no use."""


def generate_arguments(wanted: Generation, saved: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the arguments of `generate` that are not left to the weights' own settings.

    Args:
        wanted: The entry's settings; null leaves what was saved with the weights.
        saved: The settings saved with the weights.
    """
    arguments: dict[str, JsonValue] = {}
    if wanted.max_new_tokens is not None:
        arguments["max_new_tokens"] = wanted.max_new_tokens
    elif not saved.get("max_new_tokens"):
        arguments["max_new_tokens"] = MAX_NEW_TOKENS
    if wanted.temperature == 0:
        arguments["do_sample"] = False
    elif wanted.temperature is not None:
        arguments |= {"do_sample": True, "temperature": wanted.temperature}
    if wanted.top_p is not None and wanted.temperature != 0:
        arguments["top_p"] = wanted.top_p
    if wanted.stop:
        arguments["stop_strings"] = list(wanted.stop)
    return arguments


def cut(text: str, stop: tuple[str, ...]) -> str:
    """Drop the first stop string and what follows it; the library leaves it in the text."""
    ends = [text.index(each) for each in stop if each in text]
    return text[: min(ends)] if ends else text
