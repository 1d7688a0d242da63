"""Registry entries: the closed schemas of the YAML files under `registries/`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from vlmbench_sdk.choices import bare
from vlmbench_sdk.json_schema import pattern_mistake, schema_mistake
from vlmbench_sdk.records import Record
from vlmbench_sdk.retry import Retry

Kind = Literal["models", "datasets", "metrics", "prompts", "environments", "benchmarks"]
"""The six kinds of registry entries, each a folder."""

EntryName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""An entry's name is its file's stem: letters, digits, '.', '_', '-'."""


class Generation(Record):
    """Generation settings, handed to the model as they are; null leaves the engine's default."""

    max_new_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stop: tuple[str, ...] = ()


class Price(Record):
    """What a hosted model costs."""

    input_per_million: float = Field(ge=0)
    """Price of a million tokens in."""
    output_per_million: float = Field(ge=0)
    """Price of a million tokens out."""
    currency: str = "USD"


class Entry(Record):
    """What all entries share."""

    description: str = ""
    """One line for lists and pages."""
    abstract: bool = False
    """True for entries that exist to be extended; they are neither listed nor run."""


class ModelEntry(Entry):
    """`models/NAME.yaml`: one candidate."""

    plugin: str
    """Name of the model plugin."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The plugin's own options."""
    environment: EntryName = "process"
    """Name of the environment entry its worker runs in."""
    environment_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Options of that environment for this model only, in place of the entry's own."""
    prompts: EntryName | None = None
    """Name of the prompt collection; null asks each sample's own question."""
    adapter: str | None = None
    """Name of a prompt adapter that fits rendered prompts to this family of models; null takes the collection's."""
    generation: Generation = Generation()
    revision: str = ""
    """Pinned weights revision."""
    thinking: Literal["strip", "open", "keep"] = "strip"
    """What of an answer with `<think>…</think>` is scored: `strip` what follows it, `keep` the whole text, which
    `answers.csv` holds either way. `open` is `strip` for chat templates that write `<think>` themselves: an answer
    that never ends it is all thinking. A change of it asks nobody again."""
    gpus: int = Field(default=0, ge=0)
    """How many GPUs each of its workers gets."""
    gpu_share: float = Field(default=1.0, gt=0, le=1)
    """Share of a GPU that it needs; models whose shares add up to at most 1 may run on one GPU together."""
    shards: int = Field(default=1, ge=1)
    """Workers that share the samples of a cell among them, each with its own GPUs."""
    retry: Retry = Retry()
    """How often and when a request that failed for a passing reason is asked again."""
    price: Price | None = None
    """What `vlmbench plan` estimates costs with; null when asking costs nothing."""


class DatasetEntry(Entry):
    """`datasets/NAME.yaml`: one dataset."""

    reader: str
    """Name of the dataset reader plugin."""
    source: str = ""
    """Folder or file to read, relative to the workspace; empty for readers that make their documents."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The reader's own options."""
    split: str = "test"
    """Which split to read."""
    revision: str = ""
    """Pinned revision of the source."""
    language: str = ""
    """Language of samples that do not say their own."""
    metrics: tuple[EntryName, ...] = ()
    """Metrics that score this dataset; empty means those of the benchmarks it is in, and where those name none either,
    `exact_match`, `anls` and `cer`."""
    licence: str = ""
    citation: str = ""


class Applies(Record):
    """Which samples a metric scores; an empty list does not restrict."""

    answer_type: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    doc_type: tuple[str, ...] = ()


class MetricEntry(Entry):
    """`metrics/NAME.yaml`: a metric plugin with its parameters."""

    plugin: str
    """Name of the metric plugin."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The metric's own options."""
    normalize: tuple[str, ...] = ()
    """Normalisation profile: names of normalisers, applied in this order."""
    applies_to: Applies = Applies()
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    """Where set, the score is 1 from here on, or up to here where lower is better, and else 0: right or wrong. Its
    range, direction and mean are then those of a share of right answers."""
    environment: EntryName | None = None
    """Name of the environment entry that it scores in, for metrics with heavy or conflicting packages; null scores
    in the host."""


class Expects(Record):
    """An output contract: what shape an answer must have. An answer that has not is `parse_failed`, its text kept."""

    type: Literal["text", "number", "date", "money", "choice", "json"]
    """What the answer is read as; `vlmbench_sdk.parsing` says how, and what its normal form is."""
    decimal: Literal[".", ","] = "."
    """Of numbers and money: the decimal mark where a mark with three digits after it could be either."""
    order: Literal["dmy", "mdy", "ymd"] = "dmy"
    """Of dates: the order of day, month and year where digits alone do not tell."""
    currency: bool = False
    """Of money: whether the currency belongs to the value, as in `12.00 USD`."""
    choices: tuple[str, ...] = ()
    """Of choices: what may be answered."""
    pattern: str = ""
    """Of text: a regular expression that the whole answer must match."""
    json_schema: dict[str, JsonValue] = Field(default_factory=dict)
    """Of JSON: the JSON schema of the answer."""

    @model_validator(mode="after")
    def _whole(self) -> "Expects":
        mistake = pattern_mistake(self.pattern) or schema_mistake(self.json_schema)
        for name in sorted(self.model_fields_set & {*_ONLY_FOR}):
            if self.type not in _ONLY_FOR[name]:
                mistake = f"`{name}` is for type {' or '.join(_ONLY_FOR[name])} only"
        different = {bare(each) for each in self.choices} - {""}
        if self.type == "choice" and len(different) < max(len(self.choices), 1):
            mistake = "type choice needs `choices`, all different, and not in case or punctuation only"
        if mistake:
            raise ValueError(mistake)
        return self


_ONLY_FOR: dict[str, tuple[str, ...]] = {
    "decimal": ("number", "money"),
    "order": ("date",),
    "currency": ("money",),
    "choices": ("choice",),
    "pattern": ("text",),
    "json_schema": ("json",),
}


class ExampleEntry(Record):
    """A solved question that is shown before the real one; its texts are taken as they are, not as templates."""

    images: tuple[str, ...] = ()
    """Paths relative to the folder that `registries/` lies in, and inside of it."""
    user: str
    """What is asked."""
    assistant: str
    """What a good answer is."""


class PromptRule(Record):
    """A prompt and when it is used; a sample must match every list that is not empty.

    Of several rules that match, the most specific is used: one for the sample itself, else one for its field,
    else for its dataset, else for its doc_type, else for its language; of rules that name the same of these with
    one more in common, the one with more. So sample_id > (dataset, doc_type, field) > (dataset, field) >
    (doc_type, field) > field > (dataset, doc_type) > dataset > doc_type > language > no list at all. The order in
    the file decides only between rules that name the same.
    """

    sample_id: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    doc_type: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    user: str | None = None
    """Jinja template of the user prompt; null keeps the collection's."""
    user_file: str = ""
    """A text file that is the template instead: all of it, its last line end included."""
    system: str | None = None
    """Jinja template of the system prompt; null keeps the collection's."""
    examples: tuple[ExampleEntry, ...] | None = None
    """Solved questions to show first; null keeps the collection's."""
    expects: Expects | None = None
    """What shape an answer must have; null keeps the collection's."""


class Pulled(Record):
    """Where prompts were got from; `vlmbench prompts pull` writes it. Nothing is fetched when they are used."""

    server: str
    """Address of the Phoenix server."""
    by: Literal["tag", "latest", "version"]
    """How the versions were chosen."""
    tag: str = ""
    """The tag that they had when they were got."""
    versions: dict[str, str]
    """Id of the version of each prompt, by its name on the server."""
    sha256: str
    """Digest of the texts that were got; an entry with other texts is refused."""


class PromptEntry(Entry):
    """`prompts/NAME.yaml`: a prompt collection. The most specific rule that matches a sample is used."""

    system: str = ""
    """Jinja template of the system prompt."""
    system_file: str = ""
    """A text file that is the template instead, all of it."""
    user: str = "{{ question }}"
    """Jinja template of the user prompt where no rule matches."""
    user_file: str = ""
    """A text file that is the template instead: all of it, its last line end included."""
    csv: str = ""
    """A collection of the original project, `prompt;doc_class_question_type;cer`: one rule per doc_type and field,
    its prompts taken as they are. Of several prompts for the same key that with the lowest cer is used."""
    rules: tuple[PromptRule, ...] = ()
    examples: tuple[ExampleEntry, ...] = ()
    """Solved questions to show first where no rule says others."""
    adapter: str | None = None
    """Name of a prompt adapter that rendered prompts go through; null leaves them as they are."""
    expects: Expects | None = None
    """What shape an answer must have where nothing says otherwise; null takes every answer as it is."""
    expects_of: dict[str, Expects] = Field(default_factory=dict)
    """The same by the sample's answer_type, before `expects`; a rule's own comes first."""
    tuned_on: tuple[str, ...] = ()
    """`dataset:split` on which the prompts were tuned; scores there are flagged."""
    pulled: Pulled | None = None
    """Where the prompts were got from; null for prompts of one's own."""


class EnvironmentEntry(Entry):
    """`environments/NAME.yaml`: where a worker runs."""

    kind: str
    """Name of the environment plugin: process, venv, …"""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The environment's own options."""
    env: tuple[str, ...] = ()
    """Names of environment variables that are handed to the worker."""
    binaries: dict[str, str] = Field(default_factory=dict)
    """Programs that must be on PATH, each with the command that installs it."""
    timeout_s: float | None = Field(default=None, gt=0)
    """A worker that runs longer is stopped, in seconds; what it waits in a queue does not count."""
    disk_gib: float | None = Field(default=20.0, gt=0)
    """A worker that leaves more in its folder is stopped, in GiB; null sets no limit."""


def _pair(value: object) -> object:
    """A pair of dimensions, `[a, b]`, by its name `a*b`."""
    if isinstance(value, list) and len(value) == DIMENSIONS_OF_A_PAIR and all(isinstance(each, str) for each in value):
        return "*".join(value)
    return value


DIMENSIONS_OF_A_PAIR = 2
Dimension = Annotated[str, BeforeValidator(_pair)]
"""What scores are broken down by."""


class BenchmarkEntry(Entry):
    """`benchmarks/NAME.yaml`: which models meet which datasets, and how they are scored."""

    models: tuple[EntryName, ...] = Field(min_length=1)
    optional_models: tuple[EntryName, ...] = ()
    """Models left out, with one line, where their environment's binaries are not installed."""
    datasets: tuple[EntryName, ...] = Field(min_length=1)
    metrics: tuple[EntryName, ...] = ()
    """Metrics of every cell, besides those of its dataset."""
    headline: EntryName | None = None
    """The metric that ranks the leaderboard; null takes the first one."""
    dimensions: tuple[Dimension, ...] = ("overall", "doc_type", "field", "subset", "language")
    """What scores are broken down by: columns of samples, `pages`, `resolution`, `attributes.NAME`, or a pair of them
    such as `[doc_type, field]`."""


ENTRY_TYPES: dict[Kind, type[Entry]] = {
    "models": ModelEntry,
    "datasets": DatasetEntry,
    "metrics": MetricEntry,
    "prompts": PromptEntry,
    "environments": EnvironmentEntry,
    "benchmarks": BenchmarkEntry,
}
"""Schema of each registry folder."""
