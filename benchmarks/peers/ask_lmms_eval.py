"""The requests beside a job, asked by `python -m lmms_eval`: a task over local JSON lines, images opened by PIL."""

import json
import os
import sys
from pathlib import Path

TASK = """\
task: asked
dataset_path: json
dataset_kwargs: {{data_files: {data}}}
test_split: train
output_type: generate_until
doc_to_visual: !function asked_functions.pictures
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{prompt}}}}"
generation_kwargs: {{max_new_tokens: 64, temperature: 0, do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""
FUNCTIONS = """\
from PIL import Image


def pictures(doc):
    return [Image.open(path).convert("RGB") for path in doc["images"]]
"""


def main(job: Path) -> None:
    """Become its command: the process that is measured is its own."""
    options = json.loads(job.read_bytes())["options"]
    tasks = job.parent / "tasks"
    tasks.mkdir()
    (tasks / "asked.yaml").write_text(TASK.format(data=job.parent / "requests.jsonl"), encoding="utf-8")
    (tasks / "asked_functions.py").write_text(FUNCTIONS, encoding="utf-8")
    given = {
        "model_version": options["model"],
        "base_url": options["base_url"],
        "api_key": "none",
        "num_concurrent": options["concurrency"],
        "timeout": round(options["timeout_s"]),
    }
    command = [sys.executable, "-m", "lmms_eval", "--model", "openai", "--tasks", "asked", "--batch_size", "1"]
    command += ["--model_args", ",".join(f"{name}={value}" for name, value in given.items())]
    command += ["--include_path", str(tasks), "--output_path", str(job.parent / "outputs")]
    os.execv(sys.executable, command)  # noqa: S606 - no shell


if __name__ == "__main__":
    main(Path(sys.argv[1]))
