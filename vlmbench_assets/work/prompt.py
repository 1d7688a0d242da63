"""Render prompts: Jinja templates in a sandbox, the first matching rule, a digest of what was rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from vlmbench_assets.lineage import digest_json
from vlmbench_assets.problems import unknown
from vlmbench_sdk import CatalogError
from vlmbench_sdk.entries import PromptEntry, PromptRule

if TYPE_CHECKING:
    import pandas as pd
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


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What a model is told."""

    system: str
    user: str

    @property
    def sha256(self) -> str:
        """Digest of both parts."""
        return digest_json([self.system, self.user])


def render_all(
    entry: PromptEntry | None, name: str, samples: "pd.DataFrame", dataset: str
) -> dict[str, RenderedPrompt]:
    """Render the prompt of every sample, by sample id.

    Raises:
        CatalogError: When a template fails on a sample; names the collection and the sample.
    """
    from vlmbench_assets.tables import rows_of

    return {row["sample_id"]: render(entry, name, row, dataset) for row in rows_of(samples)}


def render(entry: PromptEntry | None, name: str, sample: Mapping[str, str], dataset: str) -> RenderedPrompt:
    """Render one sample's prompt; without a collection its own question is the prompt."""
    if entry is None:
        return RenderedPrompt(system="", user=sample["question"])
    from jinja2 import TemplateError

    values = {variable: sample.get(variable, "") for variable in VARIABLES} | {"dataset": dataset}
    rule = _rule(entry, values)
    system = entry.system if rule is None or rule.system is None else rule.system
    user = entry.user if rule is None else rule.user
    try:
        return RenderedPrompt(system=_render(system, values), user=_render(user, values))
    except TemplateError as error:
        raise CatalogError(
            f"its template fails on sample {sample['sample_id']} ({error})", where=f"prompts {name}"
        ) from error


def template_mistakes(text: str) -> list[str]:
    """What is wrong with a template: its syntax, or variables that do not exist."""
    if "{" not in text:
        return []
    from jinja2 import TemplateSyntaxError, meta

    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        return [f"not a Jinja template: {error.message} (line {error.lineno} of the template)"]
    return [
        unknown(name, VARIABLES, "variable")
        for name in sorted(meta.find_undeclared_variables(tree))
        if name not in VARIABLES
    ]


def _rule(entry: PromptEntry, values: Mapping[str, str]) -> PromptRule | None:
    """The first rule that matches; the order in the file is the precedence."""
    for rule in entry.rules:
        asked = {
            "dataset": rule.dataset,
            "doc_type": rule.doc_type,
            "field": rule.field,
            "language": rule.language,
        }
        if all(not allowed or values[name] in allowed for name, allowed in asked.items()):
            return rule
    return None


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # Prompts are plain text for a model, not HTML: escaping would change what it is asked.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


def _render(text: str, values: Mapping[str, str]) -> str:
    # Nothing to fill in, and no line end that Jinja would change: most system prompts.
    return text if "{" not in text and "\r" not in text else _template(text).render(values)


@cache
def _template(text: str) -> "Template":
    return _environment().from_string(text)
