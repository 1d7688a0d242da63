"""Small files as other tools write them, for the dataset of `tests.support.write_source`: samples s0, s1, …"""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

IMPORTS = ("vlmevalkit", "lmms_eval", "evalscope", "inspect_ai")


def vlmevalkit(path: Path, answers: Mapping[str, str]) -> Path:
    """As `pandas.to_csv(sep="\\t", quoting=csv.QUOTE_ALL)`, which VLMEvalKit calls."""
    path = path / "some-model_tiny.tsv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(["index", "question", "answer", "category", "prediction"])
        for name, answer in answers.items():
            writer.writerow([name, f"What is {field(name)}?", "", "", answer])
    return path


def lmms_eval(path: Path, answers: Mapping[str, str]) -> Path:
    """As `EvaluationTracker.save_results_samples` of lmms-eval."""
    path = path / "20261121_samples_tiny.jsonl"
    lines = [
        {
            "doc_id": int(name[1:]),
            "target": gold(name),
            "filtered_resps": [answer],
            "token_counts": [{"input_tokens": None, "output_tokens": 3}],
            "doc_hash": "0" * 64,
            "exact_match": 1.0,
            "input": f"What is {field(name)}?\nAnswer with one word.",
        }
        for name, answer in answers.items()
    ]
    return _lines(path, lines)


def evalscope(path: Path, answers: Mapping[str, str]) -> Path:
    """As `CacheManager.save_prediction_cache` of evalscope."""
    path = path / "tiny_default.jsonl"
    lines = [
        {
            "index": int(name[1:]),
            "model": "some-model",
            "model_output": {
                "id": "x",
                "model": "some-model",
                "choices": [{"message": {"role": "assistant", "content": answer}, "stop_reason": "stop"}],
                "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12},
                "time": 0.25,
                "error": None,
                "perf_metrics": None,
            },
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": f"What is {field(name)}?"}]},
                {"role": "assistant", "content": answer},
            ],
            "metadata": {},
        }
        for name, answer in answers.items()
    ]
    return _lines(path, lines)


def inspect_ai(path: Path, answers: Mapping[str, str]) -> Path:
    """As Inspect 0.3.285 writes `*.json`."""
    path = path / "2026-11-21T11-31-37-00-00_tiny_x.json"
    path.write_text(json.dumps({**inspect_header(), "samples": [inspect_sample(*each) for each in answers.items()]}))
    return path


def inspect_header() -> dict[str, object]:
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "task": "tiny",
            "model": "mockllm/model",
            "dataset": {"name": "tiny", "samples": 4},
            "packages": {"inspect_ai": "0.3.285"},
        },
    }


def inspect_sample(name: str, answer: str, epoch: int = 1) -> dict[str, object]:
    return {
        "id": name,
        "epoch": epoch,
        "input": f"What is {field(name)}?",
        "target": gold(name),
        "messages": [],
        "output": {
            "model": "mockllm/model",
            "choices": [{"message": {"role": "assistant", "content": answer}, "stop_reason": "stop"}],
            "completion": answer,
            "time": 0.5,
        },
        "completed_at": "2026-11-21T11:31:37.405477+00:00",
        "attachments": {},
    }


def field(name: str) -> str:
    return f"f{int(name[1:]) % 2}"


def gold(name: str) -> str:
    return "other" if int(name[1:]) % 3 == 2 else field(name)


def _lines(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


MAKE = {"vlmevalkit": vlmevalkit, "lmms_eval": lmms_eval, "evalscope": evalscope, "inspect_ai": inspect_ai}
