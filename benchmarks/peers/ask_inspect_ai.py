"""The requests beside a job, asked by inspect-ai as `inspect eval` does: images by path, exact match, its own log."""

import json
import os
import sys
from pathlib import Path

from inspect_ai import Task, eval  # noqa: A004 - its name
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import exact


def sample(request: dict[str, str]) -> Sample:
    """One request; the endpoint repeats the prompt, so that is the gold answer."""
    parts = [*(ContentImage(image=path) for path in request["images"]), ContentText(text=request["prompt"])]
    return Sample(id=request["sample_id"], input=[ChatMessageUser(content=parts)], target=request["prompt"])


def main(job: Path) -> None:
    """Ask everything; exit code 1 where its log does not say success."""
    options = json.loads(job.read_bytes())["options"]
    requests = map(json.loads, (job.parent / "requests.jsonl").read_bytes().splitlines())
    os.environ["LOCAL_API_KEY"] = "none"
    logs = eval(
        Task(dataset=[sample(request) for request in requests], scorer=exact()),
        model=f"openai-api/local/{options['model']}",
        model_base_url=options["base_url"],
        max_connections=options["concurrency"],
        attempt_timeout=round(options["timeout_s"]),
        log_dir=str(job.parent / "logs"),
    )
    sys.exit(any(log.status != "success" for log in logs))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
