"""What a model is told: messages for its chat template, or a plain prompt for a model without one."""

from vlmbench_sdk import Request

Part = dict[str, str]
Message = dict[str, str | list[Part]]


def messages(request: Request) -> list[Message]:
    """The request as a chat: the system prompt if there is one, then the pictures in page order and the prompt."""
    parts: list[Part] = [{"type": "image"} for _ in request.images]
    turns: list[Message] = [{"role": "user", "content": [*parts, {"type": "text", "text": request.prompt}]}]
    if request.system:
        turns.insert(0, {"role": "system", "content": [{"type": "text", "text": request.system}]})
    return turns


def plain(form: str, image_token: str, request: Request) -> str:
    """Fill in a plain prompt; braces in the request's own texts stay what they are."""
    texts = {"{images}": image_token * len(request.images), "{system}": request.system, "{prompt}": request.prompt}
    out, rest = "", form
    while rest:
        name = next((each for each in texts if rest.startswith(each)), "")
        out += texts[name] if name else rest[0]
        rest = rest[len(name) or 1 :]
    return out
