"""What a model is told: messages for its chat template, or a plain prompt for a model without one."""

from collections.abc import Sequence

from vlmbench_sdk import Request

Part = dict[str, str]
Message = dict[str, str | list[Part]]


def messages(request: Request) -> list[Message]:
    """The request as a chat: the system prompt if there is one, solved examples, then pictures by page and prompt."""
    turns: list[Message] = []
    if request.system:
        turns.append({"role": "system", "content": [_text(request.system)]})
    for each in request.examples:
        turns.append({"role": "user", "content": [*_pictures(each.images), _text(each.user)]})
        turns.append({"role": "assistant", "content": [_text(each.assistant)]})
    turns.append({"role": "user", "content": [*_pictures(request.images), _text(request.prompt)]})
    return turns


def pictures_of(request: Request) -> tuple[str, ...]:
    """All pictures in the order in which `messages` places them."""
    return (*(path for each in request.examples for path in each.images), *request.images)


def plain(form: str, image_token: str, request: Request) -> str:
    """Fill in a plain prompt; braces in the request's own texts stay what they are."""
    texts = {"{images}": image_token * len(request.images), "{system}": request.system, "{prompt}": request.prompt}
    out, rest = "", form
    while rest:
        name = next((each for each in texts if rest.startswith(each)), "")
        out += texts[name] if name else rest[0]
        rest = rest[len(name) or 1 :]
    return out


def without_place(form: str, request: Request) -> str:
    """Name what of a request a plain prompt would leave out; empty when it leaves out nothing."""
    parts = {
        "examples": bool(request.examples),
        "a system prompt": bool(request.system) and "{system}" not in form,
        "images": bool(request.images) and "{images}" not in form,
        "a question": bool(request.prompt) and "{prompt}" not in form,
    }
    return " and ".join(name for name, lost in parts.items() if lost)


def _pictures(paths: Sequence[str]) -> list[Part]:
    return [{"type": "image"} for _ in paths]


def _text(text: str) -> Part:
    return {"type": "text", "text": text}
