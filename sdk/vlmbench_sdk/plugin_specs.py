"""What hooks return: frozen descriptions of what a plugin adds.

A description is light. Code that imports heavy libraries is named by an import string, `module:attribute`,
and imported only where it runs.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from vlmbench_sdk.errors import PluginError
from vlmbench_sdk.records import Record

_IMPORT_STRING = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _check_import_string(value: str) -> str:
    if not _IMPORT_STRING.fullmatch(value):
        message = f"{value!r} is not an import string like 'package.module:name'"
        raise ValueError(message)
    return value


ImportString = Annotated[str, AfterValidator(_check_import_string)]
"""Where heavy code lives, as `package.module:name`."""

PluginName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""How registry entries refer to a plugin: lower case, digits, underscores."""


class Options(BaseModel):
    """Base of a plugin's own options: frozen, unknown keys refused, each field described.

    A field with `json_schema_extra={"secret": True}` takes `${ENV:NAME}` only; `vlmbench check` refuses a plain secret.
    """

    # In the worker they are checked with secrets filled in, which an error's text must not repeat.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Options that change how fast or how dear an answer is, never what it says: they make nothing stale."""

    def revision_mistake(self, revision: str) -> str:
        """Say what is wrong with a model entry's `revision` beside these options; empty for nothing.

        Models that fetch weights override it, so that `vlmbench check` tells of a commit that is not pinned.
        """
        del revision
        return ""


class NoOptions(Options):
    """For plugins that take no options."""


class ModelPlugin(Record):
    """A kind of model. Registry entries of `models/` refer to it by `name`."""

    name: PluginName
    backend: ImportString
    """The `Model` subclass, imported in the worker only."""
    options: type[Options] = NoOptions
    description: str = ""


class DatasetReaderPlugin(Record):
    """A way to read a dataset. Registry entries of `datasets/` refer to it by `name`."""

    name: PluginName
    read: ImportString
    """`def read(job: ReadJob[MyOptions]) -> Iterator[Sample]`."""
    options: type[Options] = NoOptions
    needs_source: bool = True
    """False for readers that make their documents themselves."""
    description: str = ""


class MetricPlugin(Record):
    """A metric. Registry entries of `metrics/` refer to it by `name`."""

    name: PluginName
    version: int = Field(ge=1)
    """Raised whenever the same answer could score differently; ids are `name@version`."""
    score: ImportString
    """`def score(case: Case, options: MyOptions) -> Score`."""
    score_many: ImportString | None = None
    """`def score_many(cases: Cases, options: MyOptions) -> Scores`: the same scores, many at a time, where one by one
    would be slow."""
    options: type[Options] = NoOptions
    higher_is_better: bool = True
    lower: float | None = 0.0
    """Smallest possible value; null when unbounded."""
    upper: float | None = 1.0
    """Largest possible value; null when unbounded."""
    worst: float = 0.0
    """What a failed answer counts as in the headline policy."""
    aggregate: Literal["mean", "corpus"] = "mean"
    """`mean` of samples, or `corpus`: the mean weighted by `Score.weight`, such as edits over length."""
    combine: ImportString | None = None
    """For a value that is no mean of samples, such as macro F1: `def combine(scores: Sequence[Score], options:
    MyOptions) -> float | None` over the scores of a group, from their `detail`. Its interval is always bootstrapped."""
    needs_gold: bool = True
    """False for a rule that looks at the answer alone; `Case.references` may then be empty."""
    vectors: Path | None = None
    """A YAML file of golden vectors with their sources; `vlmbench metrics conform` runs them."""
    unit: str = ""
    description: str = ""

    @property
    def metric_id(self) -> str:
        """The versioned id, such as `anls@1`."""
        return f"{self.name}@{self.version}"


class PromptAdapterPlugin(Record):
    """Fits rendered prompts to a family of models. Models and prompt collections name it as `adapter`."""

    name: PluginName
    version: int = Field(ge=1)
    """Raised whenever the same prompt could come out differently."""
    adapt: ImportString
    """`def adapt(prompt: Prompt, request: Request) -> Prompt`, pure and light: it runs on the host for each sample,
    also to tell what is stale. The request says what the sample is; its images are named as in the dataset, not
    there to be opened."""
    description: str = ""

    @property
    def adapter_id(self) -> str:
        """The versioned id, such as `system_in_user@1`."""
        return f"{self.name}@{self.version}"


class NormalizerPlugin(Record):
    """A text normaliser. Metric entries list them by `name` under `normalize`."""

    name: PluginName
    version: int = Field(ge=1)
    function: ImportString
    """`def function(text: str) -> str`, idempotent."""
    reach: Literal["text", "characters", "spaces"] = "text"
    """How far it looks, so that many texts can be done at once. `characters`: each character becomes what it becomes
    alone, combining marks and conjoining Hangul apart. `spaces`: it changes nothing where all white space is single
    spaces between other characters."""
    description: str = ""


class EnvironmentPlugin(Record):
    """A kind of environment. Registry entries of `environments/` name it as `kind`."""

    name: PluginName
    environment: ImportString
    """The `Environment` subclass, imported on the host."""
    options: type[Options] = NoOptions
    description: str = ""


class ChartPlugin(Record):
    """A picture in the report of a cell."""

    name: PluginName
    draw: ImportString
    """`def draw(tables: ReportTables) -> matplotlib Figure | None`; None when there is nothing to draw."""
    numbers: ImportString | None = None
    """`def numbers(tables: ReportTables) -> pandas DataFrame`: what the picture shows, as a table under it for who
    cannot see it; called only where there is a picture."""
    title: str
    """Its heading. A picture with the title of a section of the page stands in that section."""
    caption: str = ""
    """What the picture shows; also its text alternative."""


Match = Literal["id", "position", "question"]
"""How predictions find their samples: by the tool's id, by their place in the dataset, or by images and question."""


class ImporterPlugin(Record):
    """A format of another tool that `vlmbench import` reads."""

    name: PluginName
    read: ImportString
    """`def read(job: ImportJob[MyOptions]) -> ImportedLog`, or `-> ImportedEntries` where it imports entries."""
    imports: Literal["answers", "entries"] = "answers"
    match: Match = "id"
    """How its predictions are matched to samples where the user does not say."""
    options: type[Options] = NoOptions
    description: str = ""


class ExporterPlugin(Record):
    """A format that `vlmbench export` writes."""

    name: PluginName
    write: ImportString
    """`def write(job: ExportJob[MyOptions]) -> None`."""
    options: type[Options] = NoOptions
    description: str = ""


def resolve(import_string: str, *, owner: str) -> object:
    """Import what an import string names.

    Args:
        import_string: `package.module:name`.
        owner: Who declared it, for the error message.

    Raises:
        PluginError: When the module or the name in it does not exist.
    """
    module_name, _, attribute = import_string.partition(":")
    try:
        return getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"cannot import {import_string!r} ({type(error).__name__}: {error})",
            where=owner,
            fix="Install what it needs, or correct the import string in the plugin",
        ) from error
