"""What a model is asked of a dataset, as digests: sample by sample, all that stands in its request.

Equal questions have equal digests for every model that asks them with the same prompt collection, so they are
worked out once per dataset and collection, and kept once.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from vlmbench_assets.lineage import canonical, digest_bytes, digest_json

ABOUT = ("doc_id", "doc_type", "field", "language", "answer_type")
"""Columns of a sample that a request carries besides its prompt and images."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question."""

    sample_id: str
    prompt: str
    """Digest of the rendered prompt."""
    images: str
    """SHA-256 of each image's bytes, as the cell of the samples table."""
    about: str
    """Digest of what else a request says: document, doc_type, field, language, answer_type; empty where no request
    was made, as an imported model was asked elsewhere."""

    @property
    def digest(self) -> str:
        """What the journal knows the question by."""
        return digest_json([self.prompt, self.images, self.about])


@dataclass(frozen=True)
class Questions:
    """All questions of a dataset, or those of them that were asked."""

    items: tuple[Question, ...]
    """In the order of the samples."""

    @cached_property
    def content(self) -> bytes:
        """What is kept."""
        return canonical([[each.sample_id, each.prompt, each.images, each.about] for each in self.items]).encode()

    @cached_property
    def digest(self) -> str:
        """Digest of all of them, in order."""
        return digest_bytes(self.content)

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Each question's digest by sample id."""
        return {each.sample_id: each.digest for each in self.items}

    def only(self, sample_ids: Iterable[str]) -> "Questions":
        """Those of some samples, in the same order."""
        wanted = set(sample_ids)
        return Questions(tuple(each for each in self.items if each.sample_id in wanted))


def make_questions(
    samples: Iterable[Mapping[str, str]], prompts: Mapping[str, str], *, about: bool = True
) -> Questions:
    """The questions of a dataset.

    Args:
        samples: Rows of the samples table.
        prompts: Digest of each sample's rendered prompt.
        about: Whether requests say more than prompt and images.
    """
    return Questions(
        tuple(
            Question(
                sample_id=row["sample_id"],
                prompt=prompts[row["sample_id"]],
                images=row["image_sha256"],
                about=digest_json([row[name] for name in ABOUT])[:16] if about else "",
            )
            for row in samples
        )
    )


def sample_digest(model_digest: str, question_digest: str) -> str:
    """Digest of everything that one answer depends on: model, prompt, images."""
    return digest_json([model_digest, question_digest])


def load_questions(content: bytes) -> Questions:
    """Read what was kept."""
    return Questions(tuple(Question(*item) for item in json.loads(content)))


@dataclass(frozen=True, slots=True)
class QuestionChanges:
    """How questions differ from those that were asked before; sample ids, in order."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    about: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.prompts or self.images or self.about)


def question_changes(asked: Questions, wanted: Questions) -> QuestionChanges:
    """Compare what was asked with what is to be asked. A sample whose prompt and images changed is in both."""
    before = {each.sample_id: each for each in asked.items}
    now = {each.sample_id for each in wanted.items}
    both = [(before[each.sample_id], each) for each in wanted.items if each.sample_id in before]
    return QuestionChanges(
        added=tuple(each.sample_id for each in wanted.items if each.sample_id not in before),
        removed=tuple(each.sample_id for each in asked.items if each.sample_id not in now),
        prompts=tuple(new.sample_id for old, new in both if old.prompt != new.prompt),
        images=tuple(new.sample_id for old, new in both if old.images != new.images),
        about=tuple(new.sample_id for old, new in both if "" not in {old.about, new.about} and old.about != new.about),
    )
