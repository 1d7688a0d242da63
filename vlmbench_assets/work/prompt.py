"""Render prompts: the rule for the sample, Jinja templates in a sandbox, an adapter, a digest of what came out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from vlmbench_assets.lineage import digest_json
from vlmbench_assets.problems import unknown
from vlmbench_assets.prompt_collection import Collection
from vlmbench_sdk import CatalogError, Example, PluginError, Prompt, PromptAdapterPlugin, Request
from vlmbench_sdk.plugin_specs import resolve

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

VARIABLES = (
    "question",
    "field",
    "doc_type",
    "language",
    "dataset",
    "answer_type",
    "subset",
    "doc_id",
    "sample_id",
)
"""What a template may use."""
FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What an expression of a template, or an adapter, fails with on texts that it does not expect."""


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What a model is told."""

    system: str
    user: str
    examples: tuple[Example, ...] = ()
    """Their images are named as they lie in the workspace."""

    @property
    def sha256(self) -> str:
        """Digest of all parts; where the images of examples lie does not matter."""
        shown = [[each.image_sha256, each.user, each.assistant] for each in self.examples]
        return digest_json([self.system, self.user, *([shown] if shown else [])])


@dataclass(frozen=True, slots=True)
class Prompting:
    """How a model is asked."""

    collection: Collection | None = None
    """None asks each sample's own question."""
    adapter: PromptAdapterPlugin | None = None

    def render(self, sample: Mapping[str, str], dataset: str) -> RenderedPrompt:
        """Render one sample's prompt.

        Raises:
            CatalogError: When a template fails on the sample; names the collection and the sample.
            PluginError: When the adapter gives no prompt.
        """
        rendered = RenderedPrompt(system="", user=sample["question"])
        if self.collection is not None:
            rendered = _rendered(self.collection, sample, dataset)
        return rendered if self.adapter is None else _adapted(self.adapter, rendered, sample)


def _rendered(collection: Collection, sample: Mapping[str, str], dataset: str) -> RenderedPrompt:
    from jinja2 import TemplateError

    values = {variable: sample.get(variable, "") for variable in VARIABLES} | {"dataset": dataset}
    rule = collection.rule(values)
    try:
        user = rule.user if rule.literal else _render(rule.user, values)
        return RenderedPrompt(system=_render(rule.system, values), user=user, examples=rule.examples)
    except (TemplateError, *FAULTS) as error:
        raise CatalogError(
            f"its template fails on sample {sample['sample_id']} ({type(error).__name__}: {error})",
            where=f"prompts {collection.name}",
        ) from error


def _adapted(adapter: PromptAdapterPlugin, rendered: RenderedPrompt, sample: Mapping[str, str]) -> RenderedPrompt:
    where = f"prompt adapter {adapter.adapter_id}"
    adapt = resolve(adapter.adapt, owner=where)
    if not callable(adapt):
        raise PluginError(f"{adapter.adapt!r} is not a function", where=where)
    request = Request(
        sample_id=sample["sample_id"],
        images=tuple(json.loads(sample["images"])),
        prompt=rendered.user,
        system=rendered.system,
        examples=rendered.examples,
        doc_id=sample["doc_id"],
        doc_type=sample["doc_type"],
        field=sample["field"],
        language=sample["language"],
        answer_type=sample["answer_type"],
        image_sha256=tuple(json.loads(sample["image_sha256"])),
    )
    try:
        made = adapt(Prompt(system=rendered.system, user=rendered.user, examples=rendered.examples), request)
    except FAULTS as error:
        raise PluginError(
            f"it fails on sample {request.sample_id} ({type(error).__name__}: {error})",
            where=where,
            fix="Report this to its author",
        ) from error
    if not isinstance(made, Prompt):
        raise PluginError(f"it must return a Prompt, not {made!r}", where=where, fix="Report this to its author")
    return RenderedPrompt(system=made.system, user=made.user, examples=made.examples)


def template_mistakes(text: str) -> list[str]:
    """What is wrong with a template: its syntax, or variables that do not exist."""
    if "{" not in text:
        return []
    from jinja2 import TemplateSyntaxError, meta

    try:
        # Which filters there are is looked at only by the second.
        names = meta.find_undeclared_variables(environment().parse(text))
    except TemplateSyntaxError as error:
        return [f"not a Jinja template: {error.message} (line {error.lineno} of the template)"]
    return [unknown(name, VARIABLES, "variable") for name in sorted(names) if name not in VARIABLES]


@cache
def environment() -> "SandboxedEnvironment":
    """What templates are read and rendered with."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # Prompts are plain text for a model, not HTML: escaping would change what it is asked.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


def _render(text: str, values: Mapping[str, str]) -> str:
    # Nothing to fill in, and no line end that Jinja would change: most system prompts.
    return text if "{" not in text and "\r" not in text else _template(text).render(values)


@cache
def _template(text: str) -> "Template":
    return environment().from_string(text)
