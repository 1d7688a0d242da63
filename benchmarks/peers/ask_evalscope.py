"""The requests beside a job, asked by evalscope: its general VQA benchmark, with exact match in place of BLEU."""

import json
import sys
from pathlib import Path

from evalscope import TaskConfig, run_task
from evalscope.api.benchmark import BenchmarkMeta
from evalscope.api.evaluator import TaskState
from evalscope.api.metric import Score
from evalscope.api.registry import register_benchmark
from evalscope.benchmarks.general_vqa.general_vqa_adapter import GeneralVQAAdapter

NAME = "asked"


@register_benchmark(
    BenchmarkMeta(
        name=NAME, pretty_name=NAME, description=NAME, dataset_id=NAME, metric_list=["acc"], eval_split="test"
    )
)
class Asked(GeneralVQAAdapter):  # type: ignore[misc] # untyped here
    """Exact match, which costs next to nothing."""

    def match_score(
        self,
        original_prediction: str,
        filtered_prediction: str,
        reference: str,
        task_state: TaskState,  # noqa: ARG002 - the name is theirs
    ) -> Score:
        """1 where the answer is the gold one."""
        value = float(filtered_prediction.strip() == reference)
        score = Score(extracted_prediction=filtered_prediction, prediction=original_prediction, value={"acc": value})
        score.main_score_name = "acc"
        return score


def main(job: Path) -> None:
    """Ask everything."""
    options = json.loads(job.read_bytes())["options"]
    data = job.parent / "data"
    data.mkdir()
    with (data / "default_test.jsonl").open("w", encoding="utf-8") as lines:
        for line in (job.parent / "requests.jsonl").read_bytes().splitlines():
            request = json.loads(line)
            content = [{"type": "image_url", "image_url": {"url": path}} for path in request["images"]]
            content.append({"type": "text", "text": request["prompt"]})
            row = {"messages": [{"role": "user", "content": content}], "answer": request["prompt"]}
            lines.write(json.dumps(row) + "\n")
    run_task(
        TaskConfig(
            model=options["model"],
            api_url=options["base_url"],
            eval_type="openai_api",
            eval_batch_size=options["concurrency"],
            generation_config={"timeout": options["timeout_s"]},
            datasets=[NAME],
            dataset_args={NAME: {"local_path": str(data), "subset_list": ["default"]}},
            work_dir=str(job.parent / "outputs"),
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
