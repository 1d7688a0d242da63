"""Changes of models and prompts: what must be asked again."""

from tests.staleness.kinds import Kind, all_of, edit, everywhere, of, owner
from tests.staleness.made import ASKING, PLAIN, PROMPTS, SAMPLES

ECHO = "vlmbench-echo"
EVERY = {dataset: f"({number} of {number} samples)" for dataset, number in SAMPLES.items()}


def every(model: str, said: str) -> dict[str, dict[str, list[str]]]:
    return {f"{model}|{dataset}": {"answers": [f"{said} {count}"]} for dataset, count in EVERY.items()}


MODELS = [
    Kind(
        "option",
        edit("models/plain", "plugin: echo\noptions: {answer: '{field}', raise_on: [nobody]}\n"),
        of("plain", answers=['option raise_on [] → ["nobody"]']),
        all_of("plain"),
    ),
    Kind(
        "option too long to show",
        edit("models/plain", f"plugin: echo\noptions: {{answer: '{'x' * 99}'}}\n"),
        of("plain", answers=["option answer {field} → sha256 d0621fdd5f06"]),
        all_of("plain"),
    ),
    Kind(
        "generation setting",
        edit("models/plain", PLAIN + "generation: {temperature: 0.5}\n"),
        of("plain", answers=["generation temperature (none) → 0.5"]),
        all_of("plain"),
    ),
    Kind(
        "revision",
        edit("models/plain", PLAIN + "revision: a1b2\n"),
        of("plain", answers=["model revision (none) → a1b2"]),
        all_of("plain"),
    ),
    Kind(
        "two changes at once",
        edit("models/plain", PLAIN + "revision: a1b2\ngeneration: {seed: 1}\n"),
        of("plain", answers=["model revision (none) → a1b2", "generation seed (none) → 1"]),
        all_of("plain"),
    ),
    Kind(
        "version of the model's plugin",
        patch=owner("vlmbench_models", "echo"),
        stale=everywhere(answers=[f"plugin echo {ECHO}==0.1.0 → echo {ECHO}==9.9.9"]),
        ask={**all_of("asking"), **all_of("plain")},
    ),
    Kind(
        "prompt of one field",
        edit("prompts/p", "user: 'Read: {{ question }}'\nrules:\n- {field: [f1], user: 'Uno: {{ field }}'}\n"),
        {
            "asking|big": {"answers": ["prompt p changed (3 of 12 samples)"]},
            "asking|tiny": {"answers": ["prompt p changed (1 of 4 samples)"]},
        },
        {"asking|big": 3, "asking|tiny": 1},
    ),
    Kind(
        "prompt rule for one dataset",
        edit("prompts/p", PROMPTS.replace("rules:\n", "rules:\n- {dataset: [tiny], field: [f0], user: 'Tiny'}\n")),
        {"asking|tiny": {"answers": ["prompt p changed (1 of 4 samples)"]}},
        {"asking|tiny": 1},
    ),
    Kind(
        "more specific prompt rule, last in the file",
        edit("prompts/p", PROMPTS + "- {dataset: [tiny], field: [f1], user: 'Tiny'}\n"),
        {"asking|tiny": {"answers": ["prompt p changed (1 of 4 samples)"]}},
        {"asking|tiny": 1},
    ),
    Kind(
        "prompt for one sample",
        edit("prompts/p", PROMPTS + "- {sample_id: [s2], user: 'Two'}\n"),
        {
            f"asking|{name}": {"answers": [f"prompt p changed (1 of {number} samples)"]}
            for name, number in SAMPLES.items()
        },
        {"asking|big": 1, "asking|tiny": 1},
    ),
    Kind(
        "example of one field",
        edit("prompts/p", PROMPTS.replace("f1],", "f1], examples: [{user: a, assistant: b}],")),
        {
            "asking|big": {"answers": ["prompt p changed (3 of 12 samples)"]},
            "asking|tiny": {"answers": ["prompt p changed (1 of 4 samples)"]},
        },
        {"asking|big": 3, "asking|tiny": 1},
    ),
    Kind(
        "system prompt",
        edit("prompts/p", "system: You read.\n" + PROMPTS),
        every("asking", "prompt p changed"),
        all_of("asking"),
    ),
    Kind(
        "other prompt collection",
        edit("models/asking", ASKING.replace("prompts: p", "prompts: q")),
        every("asking", "prompts p → q"),
        all_of("asking"),
    ),
    Kind(
        "prompt collection taken away",
        edit("models/asking", PLAIN),
        every("asking", "prompts p → (none)"),
        all_of("asking"),
    ),
    Kind(
        "prompt collection given",
        edit("models/plain", ASKING),
        every("plain", "prompts (none) → p"),
        all_of("plain"),
    ),
]
