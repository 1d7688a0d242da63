"""What exactly a model would be sent of a sample, for people."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.samples import ensure_samples, image_root, sample_rows
from vlmbench_assets.plan import gold_note
from vlmbench_assets.prompting import TUNED, adapter_of, collection_of, tuned_here
from vlmbench_assets.questions import make_questions
from vlmbench_assets.work.ask import make_requests
from vlmbench_assets.work.prompt import Prompting, RenderedPrompt
from vlmbench_sdk import CatalogError, Request
from vlmbench_sdk.records import Record

OWN_QUESTION = "the sample's own question"


class PromptPreview(Record):
    """One request, and why it is as it is."""

    request: Request
    rule: str
    """Where the prompt comes from."""
    why: str
    """What made that rule the one."""
    adapter: str
    expects: str
    """The output contract; empty for none."""
    prompt_sha256: str
    notes: tuple[str, ...]
    """What should be known before a score is believed."""


def preview(bench: Bench, cell: Cell, sample_id: str | None = None) -> PromptPreview:
    """Render what a model would be sent of a sample, or of the first one.

    Raises:
        CatalogError: When there is no such sample.
        DatasetError: When the dataset cannot be read.
    """
    from vlmbench_assets.make.samples import samples_of

    ensure_samples(bench, cell.dataset)
    rows = sample_rows(bench, cell.dataset)
    found = [row for row in rows if sample_id in (None, row["sample_id"])]
    if not found:
        raise CatalogError(
            f"there is no sample {sample_id!r}" if sample_id else "it has no samples",
            where=f"dataset {cell.dataset}",
            fix=f"Known are {len(rows)}, such as {', '.join(row['sample_id'] for row in rows[:3])}" if rows else "",
        )
    row = found[0]
    collection, adapter = collection_of(bench, cell.model), adapter_of(bench, cell.model)
    prompt = Prompting(collection, adapter).render(row, cell.dataset)
    questions = make_questions([row], {row["sample_id"]: prompt.sha256})
    root = image_root(bench, cell.dataset)
    prompts = {row["sample_id"]: prompt}
    request = make_requests(samples_of(bench, cell.dataset), questions, prompts, root, lambda each: each)[0]
    rule = collection.rule({**row, "dataset": cell.dataset}) if collection else None
    expects = collection.expects(row, cell.dataset) if collection else None
    return PromptPreview(
        request=request,
        rule=f"{collection.name}: {rule.where}" if collection and rule else OWN_QUESTION,
        why=rule.why if rule else "the model names no prompt collection",
        adapter=adapter.adapter_id if adapter else "",
        expects=expects.model_dump_json(exclude_defaults=True) if expects else "",
        prompt_sha256=prompt.sha256,
        notes=tuple(_notes(bench, cell, prompt, rows)),
    )


def preview_lines(found: PromptPreview) -> Iterator[str]:
    """The same as text."""
    request = found.request
    yield f"sample {request.sample_id}"
    yield f"prompt of {found.rule} ({found.why})"
    if found.adapter:
        yield f"adapted by {found.adapter}"
    yield from (f"note: {note}" for note in found.notes)
    yield from _message("system", request.system, ())
    for each in request.examples:
        yield from _message("example, user", each.user, each.images)
        yield from _message("example, assistant", each.assistant, ())
    yield from _message("user", request.prompt, request.images)
    yield ""
    yield f"answer expected: {found.expects or 'anything'}"
    yield f"prompt sha256 {found.prompt_sha256}"
    yield f"question sha256 {request.digest}"


def _message(role: str, text: str, images: Iterable[str]) -> Iterator[str]:
    lines = [f"image {_image(Path(image))}" for image in images]
    if text or lines or role != "system":
        yield from ("", f"--- {role} ---", *lines, text)


def _image(path: Path) -> str:
    """A picture's path, size in pixels and size in bytes."""
    from PIL import Image, UnidentifiedImageError

    size = 0
    try:
        size = path.stat().st_size
        with Image.open(path) as image:
            return f"{path} ({image.width} x {image.height} pixels, {size} bytes)"
    except UnidentifiedImageError:
        return f"{path} (no picture that can be opened, {size} bytes)"
    except OSError as error:
        return f"{path} (cannot be read: {error.strerror or error})"


def _notes(bench: Bench, cell: Cell, prompt: RenderedPrompt, rows: Iterable[dict[str, str]]) -> Iterator[str]:
    if tuned_here(bench, cell):
        yield TUNED
    shown = {digest for each in prompt.examples for digest in each.image_sha256}
    if note := gold_note(bench, cell):
        yield note
    if any(digest in row["image_sha256"] for row in rows for digest in shown):
        yield "an example shows an image of this very dataset"
