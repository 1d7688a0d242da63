"""The floor of `endpoint.py`: a bare aiohttp client with the same requests, that retries and writes lines."""

import asyncio
import base64
import json
import random
import sys
from collections import deque
from pathlib import Path
from typing import Any

import aiohttp

ATTEMPTS = 4
FIRST_S = 0.25


async def main(job_path: Path) -> None:
    """Ask everything that stands beside the job."""
    options = json.loads(job_path.read_bytes())["options"]
    lines = (job_path.parent / "requests.jsonl").read_bytes().splitlines()
    waiting = deque(json.loads(line) for line in lines)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=options["timeout_s"])
    connector = aiohttp.TCPConnector(limit=options["concurrency"])
    with (job_path.parent / "journal.jsonl").open("w", encoding="utf-8", buffering=1) as journal:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

            async def work() -> None:
                while waiting:
                    request = waiting.popleft()
                    row = await ask(session, options, request)
                    journal.write(json.dumps({"sample_id": request["sample_id"], **row}) + "\n")

            await asyncio.gather(*(work() for _ in range(options["concurrency"])))


async def ask(session: aiohttp.ClientSession, options: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Ask once, and again where that may help."""
    content: list[dict[str, Any]] = []
    for path in request["images"]:
        url = "data:image/jpeg;base64," + base64.b64encode(Path(path).read_bytes()).decode()
        content.append({"type": "image_url", "image_url": {"url": url}})
    content.append({"type": "text", "text": request["prompt"]})
    body = {"model": options["model"], "messages": [{"role": "user", "content": content}], "stream": options["stream"]}
    data = aiohttp.BytesPayload(json.dumps(body).encode(), content_type="application/json")
    for attempt in range(ATTEMPTS):
        try:
            async with session.post(options["base_url"] + "/chat/completions", data=data) as response:
                if response.status == 400:
                    break
                response.raise_for_status()
                return await read(response, stream=options["stream"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
            await asyncio.sleep(FIRST_S * 2**attempt * (0.5 + random.random() / 2))  # noqa: S311 - jitter
    return {"status": "error"}


async def read(response: aiohttp.ClientResponse, *, stream: bool) -> dict[str, Any]:
    """Read an answer."""
    if not stream:
        whole = await response.json()
        return {"status": "ok", "answer": whole["choices"][0]["message"]["content"], "usage": whole["usage"]}
    text, usage = "", None
    async for line in response.content:
        if line.startswith(b"data: {"):
            piece = json.loads(line[6:])
            usage = piece.get("usage")
            text += "".join(choice["delta"].get("content", "") for choice in piece["choices"])
    return {"status": "ok", "answer": text, "usage": usage}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
