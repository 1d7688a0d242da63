"""The prompt adapters that the host offers itself."""

from vlmbench_sdk import Prompt, Request


def system_in_user(prompt: Prompt, _request: Request) -> Prompt:
    """Put the system prompt in front of the first user message, for families without a system role."""
    if not prompt.system:
        return prompt
    if not prompt.examples:
        return prompt.model_copy(update={"system": "", "user": f"{prompt.system}\n\n{prompt.user}"})
    first, *others = prompt.examples
    first = first.model_copy(update={"user": f"{prompt.system}\n\n{first.user}"})
    return prompt.model_copy(update={"system": "", "examples": (first, *others)})
