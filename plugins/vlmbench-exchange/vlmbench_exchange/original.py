"""The original project's `user_config.csv`, with the files that it names, as registry entries.

Layout: `user_config*.csv` beside `vlmhyperbench/`, in which lie `vlm_base.csv` and
`data_dirs/{Datasets, PromptCollections, SystemPrompts, ModelsAnswers}` (VLMHyperBench_config.json). Cells of `metrics`
and `metrics_aggregators` are Python lists; they are parsed, not evaluated.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pydantic import JsonValue

from vlmbench_exchange.reading import Mistakes, read_bytes, read_rows, texts_of
from vlmbench_sdk import ImportedEntries, ImportJob, NewEntry, NoOptions
from vlmbench_sdk.entries import Kind

COLUMNS = ("dataset", "framework", "model_name", "prompt_collection", "metrics")
BASE_COLUMNS = ("framework", "model_name", "docker_image", "git_python_package", "module", "class_name")
DIMENSIONS = {
    "by_id": "",
    "by_doc_question": "doc_type*field",
    "by_doc_type": "doc_type",
    "general": "overall",
    "overall": "overall",
}
"""What the original's aggregators are here; `by_id` is the table of metrics itself."""
OF_PAGES = ("bleu",)
"""Metrics of the original that are for whole pages here, where all its samples are texts of answer type `text`."""
DEFAULT_TASK = "VQA"
"""The task of files from before there was a column for it."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass
class _Found:
    """What the rows come to."""

    entries: dict[tuple[Kind, str], dict[str, JsonValue]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: Kind, name: str, data: dict[str, JsonValue]) -> None:
        self.entries.setdefault((kind, name), data)


def read(job: ImportJob[NoOptions]) -> ImportedEntries:
    """Read a `user_config.csv` and what it names.

    Raises:
        ExchangeError: When rows are wrong or files are missing, naming each.
    """
    mistakes = Mistakes(job.file)
    root = job.file.parent / "vlmhyperbench"
    base = _base(root / "vlm_base.csv")
    metrics = job.known["metrics"] if job.known else frozenset()
    found = _Found()
    for where, row in read_rows(job.file, ";", COLUMNS):
        _row(where, row, root / "data_dirs", base, metrics, found, mistakes)
    mistakes.raise_if_any()
    return ImportedEntries(
        entries=tuple(NewEntry(kind=kind, name=name, data=data) for (kind, name), data in found.entries.items()),
        files=found.files,
        notes=tuple(dict.fromkeys(found.notes)),
    )


def _base(file: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of `vlm_base.csv` by framework and model; the first one counts, as in the original."""
    rows = read_rows(file, ";", BASE_COLUMNS)
    return {(row["framework"], row["model_name"]): row for _, row in reversed(rows)}


def _row(
    where: str,
    row: dict[str, str],
    data: Path,
    base: dict[tuple[str, str], dict[str, str]],
    known_metrics: frozenset[str],
    found: _Found,
    mistakes: Mistakes,
) -> None:
    task = row.get("task") or DEFAULT_TASK
    dataset, folder = name_of(row["dataset"]), _inside(data / "Datasets", f"{task}/{row['dataset']}")
    declared = base.get((row["framework"], row["model_name"]))
    if declared is None:
        mistakes.add(where, f"vlm_base.csv has no {row['framework']!r} with {row['model_name']!r}")
        return
    if not dataset or folder is None or not (folder / "annotation.csv").is_file():
        mistakes.add(where, f"there is no annotation.csv of dataset {row['dataset']!r}, task {task!r}, in {data}")
        return
    about: dict[str, JsonValue] = {"reader": "annotation_csv", "source": str(folder), "split": "all"}
    found.add("datasets", dataset, {**about, "description": f"Imported from the original project: {row['dataset']}"})
    prompts = _prompts(where, row, task, data, found, mistakes)
    model = name_of(row["model_name"]) + (f"--{prompts}" if prompts else "")
    found.add("models", model, _model(row, declared, prompts))
    metrics = _metrics(where, row, known_metrics, found, mistakes)
    _benchmark(dataset, model, metrics, _dimensions(where, row, mistakes), found)
    _notes(where, row, found)
    _answers(row, data, model, dataset, found)


def _model(row: dict[str, str], declared: dict[str, str], prompts: str) -> dict[str, JsonValue]:
    said = (
        f"{row['framework']} {row['model_name']} of the original project: {declared['docker_image']}, "
        f"{declared['git_python_package']}, {declared['module']}:{declared['class_name']}"
    )
    return {"plugin": "imported", "description": said, **({"prompts": prompts} if prompts else {})}


def _prompts(where: str, row: dict[str, str], task: str, data: Path, found: _Found, mistakes: Mistakes) -> str:
    """Declare the row's prompt collection and system prompt; return its name, empty where it has none."""
    named = {
        "csv": (row["prompt_collection"], data / "PromptCollections"),
        "system_file": (row.get("system_prompt", ""), data / "SystemPrompts"),
    }
    entry: dict[str, JsonValue] = {}
    for key, (name, folder) in named.items():
        if not name:
            continue
        path = _inside(folder, f"{task}/{name}")
        path = path if path and path.is_file() else _inside(folder, name)
        if path is None or not path.is_file():
            mistakes.add(where, f"there is no file {name!r} in {folder}")
            continue
        copied = f"prompts/{_NOT_IN_NAMES.sub('_', path.relative_to(folder.resolve()).as_posix().replace('/', '--'))}"
        found.files[copied] = read_bytes(path)
        entry[key] = copied
        if key == "csv" and b"cer" in found.files[copied].split(b"\n", 1)[0]:
            # A character error rate stands beside each prompt: it was chosen by that, on this dataset.
            entry["tuned_on"] = [f"{name_of(row['dataset'])}:all"]
    if not entry:
        return ""
    name = "--".join(name_of(PurePosixPath(str(entry[key])).stem) for key in named if key in entry)
    found.add("prompts", name, {"description": "Imported from the original project", **entry})
    return name


def _metrics(
    where: str, row: dict[str, str], known: frozenset[str], found: _Found, mistakes: Mistakes
) -> list[JsonValue]:
    listed = texts_of(row["metrics"])
    if listed is None:
        mistakes.add(f"{where}, column 'metrics'", f"{row['metrics'][:80]!r} is no list like ['CER']")
        return []
    for name in listed:
        if name.lower() not in known:
            found.notes.append(
                f"{where}: there is no metric {name.lower()!r} here; {name} is left out of the benchmark"
            )
    return [_for_text(name.lower(), found) for name in listed if name.lower() in known]


def _for_text(name: str, found: _Found) -> str:
    """A metric that scores the original's samples: the one of this name, or an entry that extends it."""
    if name not in OF_PAGES:
        return name
    applies: dict[str, JsonValue] = {"answer_type": ["text"]}
    about = f"{name} of single answers, as the original project has it"
    found.add("metrics", f"{name}-text", {"extends": name, "description": about, "applies_to": applies})
    return f"{name}-text"


def _dimensions(where: str, row: dict[str, str], mistakes: Mistakes) -> list[JsonValue]:
    text = row.get("metrics_aggregators", "")
    listed = texts_of(text) if text else ()
    if listed is None or not set(listed) <= DIMENSIONS.keys():
        mistakes.add(
            f"{where}, column 'metrics_aggregators'", f"{text[:80]!r} is no list of {', '.join(sorted(DIMENSIONS))}"
        )
        return []
    return [*dict.fromkeys(DIMENSIONS[name] for name in listed if DIMENSIONS[name])]


def _benchmark(dataset: str, model: str, metrics: list[JsonValue], dimensions: list[JsonValue], found: _Found) -> None:
    name = f"original-{dataset}"
    entry = found.entries.setdefault(
        ("benchmarks", name), {"models": [], "datasets": [dataset], "metrics": [], "dimensions": ["overall"]}
    )
    for key, values in (("models", [model]), ("metrics", metrics), ("dimensions", dimensions)):
        before = entry[key]
        entry[key] = [*dict.fromkeys([*(before if isinstance(before, list) else []), *values])]


def _notes(where: str, row: dict[str, str], found: _Found) -> None:
    for column in ("filter_doc_class", "filter_question_type"):
        if row.get(column):
            found.notes.append(
                f"{where}: {column} {row[column]!r} is not carried over; read its group in the breakdown instead"
            )
    if row.get("system_prompt"):
        found.notes.append(f"{where}: the original never sent its system prompt {row['system_prompt']!r}")


def _answers(row: dict[str, str], data: Path, model: str, dataset: str, found: _Found) -> None:
    """Say how to import answers that lie there; which prompts they were given with, their names do not say."""
    stem = f"{row['dataset']}_{row['framework'].replace(' ', '_')}_{row['model_name']}_"
    folder = data / "ModelsAnswers"
    for path in sorted(folder.rglob("*_answers_*.csv")) if folder.is_dir() else ():
        if path.name.startswith(stem):
            found.notes.append(
                f"answers: vlmbench import original_answers '{path}' --model {model} --dataset {dataset}"
            )


def name_of(text: str) -> str:
    """A text as the name of an entry; empty where nothing is left of it."""
    return _NOT_IN_NAMES.sub("_", text).strip("._-")[:60]


def _inside(folder: Path, name: str) -> Path | None:
    """A path that a file names, if it stays in its folder."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
