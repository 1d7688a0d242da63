"""Put the images of examples where workers can read them."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from vlmbench_assets.lineage import digest_bytes
from vlmbench_assets.questions import Questions
from vlmbench_assets.work.prompt import RenderedPrompt
from vlmbench_sdk import CatalogError, Example


def copied_examples(
    prompts: Mapping[str, RenderedPrompt], questions: Questions, folder: Path
) -> Callable[[Example], Example]:
    """Copy the images of all examples that are shown; return what names the copies in an example.

    They lie anywhere in the workspace, of which a worker in a box sees only what it needs.

    Raises:
        CatalogError: When an image is not the one that the prompts were read with.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shown = {id(each): each for question in questions.items for each in prompts[question.sample_id].examples}
    for example in shown.values():
        for path, digest in zip(example.images, example.image_sha256, strict=True):
            _copy(Path(path), digest, folder)

    def named(example: Example) -> Example:
        pairs = zip(example.images, example.image_sha256, strict=True)
        return example.model_copy(update={"images": tuple(str(_place(Path(path), sha, folder)) for path, sha in pairs)})

    return named


def _place(path: Path, digest: str, folder: Path) -> Path:
    return folder / f"{digest}{path.suffix.lower()}"


def _copy(path: Path, digest: str, folder: Path) -> None:
    place = _place(path, digest, folder)
    if place.exists():
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CatalogError(f"the image of an example cannot be read ({error.strerror})", where=str(path)) from error
    if digest_bytes(content) != digest:
        raise CatalogError(
            "the image of an example changed since the registries were read", where=str(path), fix="Run again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
