"""Make a cell's `answers` from what another tool wrote down, and keep them in step with the dataset.

A model that was imported cannot be asked. Its answers stand in the cell's journal like any other's, under a lineage of
the file they came from; so each counts as long as its sample asks the same of the same images, and a sample that the
file has no answer to is a row with status `error`.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import JsonValue, ValidationError

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ISO_TIME, UNANSWERED
from vlmbench_assets.hold import cell_held
from vlmbench_assets.imported_model import IMPORTED, is_imported, not_there
from vlmbench_assets.lineage import Lineage, digest_file, digest_json
from vlmbench_assets.made_from import QUESTIONS, without
from vlmbench_assets.make.answers import Asking, Inquiry, inquire, publish_answers
from vlmbench_assets.make.entries import with_model, write_entry
from vlmbench_assets.make.samples import ensure_samples, sample_rows
from vlmbench_assets.printable import printable
from vlmbench_assets.registry_files import NAME
from vlmbench_assets.store import Manifest, utc_now
from vlmbench_assets.work.match import Matched, listed, match
from vlmbench_sdk import (
    CatalogError,
    ExchangeError,
    ImportedEntries,
    ImportedLog,
    ImporterPlugin,
    ImportJob,
    Options,
    Prediction,
)
from vlmbench_sdk.entries import ModelEntry
from vlmbench_sdk.journal import LONGEST_LINE, Answered, journal_line
from vlmbench_sdk.plugin_specs import Match, resolve

LACKING = "the imported file has no answer to this question"
DESCRIPTION = "Imported: answers of another tool"
SHOWN = 200
"""Characters of a file's own words that are kept."""
KEPT_PLACES = 100
"""Of rows that are for no sample, so many are named in the manifest."""
_NOT_CARRIED = ("where", "position", "images", "question", "field", "doc_type", "gold")


@dataclass(frozen=True, slots=True)
class Import:
    """What to import, and for which cell."""

    importer: ImporterPlugin
    options: dict[str, JsonValue]
    file: Path
    cell: Cell
    match: Match | None = None
    """How to match; None takes the way of the file, or of its importer."""
    allow_unmatched: bool = False
    """Whether rows that are for no sample may be left out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an import."""

    manifest: Manifest
    answers: int
    lacking: int
    """Samples that the file has no answer to."""
    unmatched: tuple[str, ...]
    unlike: tuple[str, ...]


def import_answers(bench: Bench, order: Import) -> Outcome:
    """Read a file, match it to the samples, and publish the cell; nothing is published unless all of it fits.

    Raises:
        ExchangeError: When the file is not what the importer reads, or does not fit the dataset.
        CatalogError: When the model's name is taken by one that can be asked.
    """
    _refuse_taken(bench, order.cell)
    entry = ModelEntry(plugin=IMPORTED, description=DESCRIPTION)
    bench = with_model(bench, order.cell.model, entry)
    ensure_samples(bench, order.cell.dataset)
    log = read_log(bench, order)
    how = order.match or log.match or order.importer.match
    matched = match(log.predictions, sample_rows(bench, order.cell.dataset), how, str(order.file))
    _refuse_unmatched(log, matched, order)
    lineage: Lineage = {
        "imported": f"{order.importer.name} {_owner(bench, order.importer)}",
        "file": printable(order.file.name),
        "file sha256": digest_file(order.file),
        "tool": printable(log.tool)[:SHOWN],
        "matched by": how,
        **{f"option {name}": str(value) for name, value in sorted(order.options.items())},
    }
    now = utc_now()
    inquiry = inquire(bench, order.cell, Asking())
    digest, wanted = digest_json(lineage), inquiry.questions.digests
    answers = {name: _answered(each, name, digest, wanted[name], now) for name, each in matched.by_sample.items()}
    facts: dict[str, JsonValue] = {
        "imported_at": now,
        "tool_model": printable(log.model)[:SHOWN],
        "tool_dataset": printable(log.dataset)[:SHOWN],
        "rows": len(log.predictions),
        "unmatched": len(matched.unmatched),
        "unmatched_rows": list(matched.unmatched[:KEPT_PLACES]),
        "unlike": len(matched.unlike),
        "host_packages": dict(project_versions()),
    }
    lines = [_line(each, matched.by_sample[name], order.file) for name, each in answers.items()]
    write_entry(bench.workspace, "models", order.cell.model, entry.model_dump(mode="json", exclude_defaults=True))
    with cell_held(bench.store, "answers", order.cell.dataset, order.cell.model):
        inquiry.kept.open(again=False)
        inquiry.kept.restore(())
        with inquiry.kept.journal.open("ab") as journal:
            journal.writelines(lines)
            journal.flush()
            os.fsync(journal.fileno())
        _, manifest = _published(inquiry, lineage, facts)
    lacking = len(inquiry.questions.items) - len(answers)
    return Outcome(manifest, len(answers), lacking, matched.unmatched, matched.unlike)


def refit(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, Manifest]:
    """Publish imported answers anew for the samples as they are now; nobody is asked.

    Raises:
        ExchangeError: When nothing was imported for the cell.
    """
    made = bench.store.manifest("answers", cell.dataset, cell.model)
    if made is None or made.damaged:
        raise ExchangeError(not_there(cell), where=str(cell))
    inquiry = inquire(bench, cell, Asking())
    inquiry.kept.open(again=False)
    answers, _ = inquiry.kept.answers(inquiry.questions, digest_json(without(made.lineage, QUESTIONS)))
    inquiry.kept.restore(answers.values())
    return _published(inquiry, without(made.lineage, QUESTIONS), dict(made.facts))


def read_log(bench: Bench, order: Import) -> ImportedLog:
    """Run an importer of answers.

    Raises:
        ExchangeError: When the file is not what it reads.
    """
    source = bench.workspace.source(bench.catalog.datasets[order.cell.dataset].source)
    found = run_importer(bench, order.importer, order.file, order.options, source)
    if not isinstance(found, ImportedLog):
        raise ExchangeError(
            f"format {order.importer.name!r} holds entries, not answers", fix="Leave out --model and --dataset"
        )
    if not found.predictions:
        raise ExchangeError("there is no answer in it", where=str(order.file), fix="Nothing was imported")
    return found


def run_importer(
    bench: Bench, importer: ImporterPlugin, file: Path, options: dict[str, JsonValue], source: Path | None
) -> ImportedLog | ImportedEntries:
    """Call what a plugin's importer names.

    Raises:
        ExchangeError: When the file is not what it reads, or the options do not fit.
    """
    read = resolve(importer.read, owner=f"importer {importer.name}")
    job = ImportJob(
        file=file.resolve(),
        options=chosen_options(importer.options, options, f"format {importer.name}"),
        source=source,
        known={
            "models": frozenset(bench.catalog.models),
            "datasets": frozenset(bench.catalog.datasets),
            "metrics": frozenset(bench.catalog.metrics),
            "prompts": frozenset(bench.catalog.prompts),
            "benchmarks": frozenset(bench.catalog.benchmarks),
        },
    )
    try:
        found = read(job) if callable(read) else None
    except ValidationError as error:
        raise ExchangeError(f"it holds what cannot be: {error.errors()[0]['msg']}", where=str(file)) from error
    if not isinstance(found, ImportedLog | ImportedEntries):
        raise ExchangeError(f"{importer.read!r} returned {type(found).__name__}", where=f"importer {importer.name}")
    return found


def _published(inquiry: Inquiry, lineage: Lineage, facts: dict[str, JsonValue]) -> tuple[pd.DataFrame, Manifest]:
    digest, wanted = digest_json(lineage), inquiry.questions.digests
    answers, _ = inquiry.kept.answers(inquiry.questions, digest)
    said_at = str(facts["imported_at"])
    for name in wanted.keys() - answers.keys():
        answers[name] = Answered(
            sample_id=name,
            status="error",
            error=LACKING,
            answered_at=said_at,
            model_digest=digest,
            question_digest=wanted[name],
        )
    return publish_answers(inquiry, lineage, facts, inquiry.questions, answers, final=True)


def _answered(found: Prediction, sample_id: str, model: str, question: str, now: str) -> Answered:
    fields = found.model_dump(exclude={*_NOT_CARRIED})
    if fields["status"] in {"error", "timeout"} and not fields["error"]:
        fields["error"] = "the imported file does not say why"
    at = found.answered_at if re.fullmatch(ISO_TIME, found.answered_at) else now
    given = {"sample_id": sample_id, "answered_at": at, "model_digest": model, "question_digest": question}
    return Answered.model_validate({**fields, **given})


def _line(answer: Answered, found: Prediction, file: Path) -> bytes:
    line = journal_line(answer)
    if len(line) > LONGEST_LINE:
        raise ExchangeError(
            f"{found.where} has {len(line)} bytes; at most {LONGEST_LINE} are kept", where=str(file), fix="Shorten it"
        )
    return line


def _refuse_taken(bench: Bench, cell: Cell) -> None:
    if cell.dataset not in bench.catalog.datasets:
        raise CatalogError(f"there is no dataset {cell.dataset!r}", fix="Declare it in registries/datasets")
    if not NAME.fullmatch(cell.model):
        raise CatalogError(
            f"{cell.model!r} cannot name a model", fix="Take letters, digits, '.', '_' and '-', at most 100"
        )
    twin = next((name for name in bench.catalog.models if name.lower() == cell.model.lower()), cell.model)
    if twin != cell.model or (cell.model in bench.catalog.models and not is_imported(bench, cell.model)):
        raise CatalogError(
            f"there is a model {twin!r} already",
            fix=f"Import under another name, such as {cell.model}-{IMPORTED}; its own answers stay as they are",
        )


def _refuse_unmatched(log: ImportedLog, matched: Matched, order: Import) -> None:
    number, total = len(matched.unmatched), len(log.predictions)
    if all(each.status in UNANSWERED for each in matched.by_sample.values()) and number < total:
        raise ExchangeError(
            "none of its rows that fit has an answer", where=str(order.file), fix="Nothing was imported"
        )
    if number == total or (number and not order.allow_unmatched):
        other = " or another `--match`" if order.match is None else ""
        rest = "" if number == total else "; `--allow-unmatched` leaves them out, counted"
        raise ExchangeError(
            f"{number} of {total} are for no sample of {order.cell.dataset}: {listed(matched.unmatched)}",
            where=str(order.file),
            fix=f"Choose the dataset and split that was asked{other}{rest}. Nothing was imported",
        )


def _owner(bench: Bench, importer: ImporterPlugin) -> str:
    owner = bench.plugins.owners["vlmbench_importers", importer.name]
    return f"{owner.distribution}=={owner.version}"


def chosen_options(schema: type[Options], options: dict[str, JsonValue], where: str) -> Options:
    """Options of a format, checked.

    Raises:
        ExchangeError: Naming every option that does not fit.
    """
    try:
        return schema.model_validate(options, strict=False)
    except ValidationError as error:
        said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False)]
        known = ", ".join(schema.model_fields) or "none"
        raise ExchangeError("; ".join(said), where=where, fix=f"Its options are: {known}") from error
