"""Checks that need torch: families with random weights, memory that runs out, what is refused.

Run by `tests/test_transformers.py` with the interpreter of the environment `transformers`:

    python tests/vlms/code_paths.py FOLDER [memory]

`memory` runs out of memory on purpose. It is no part of the test yet: with 1000 MiB it passed, with 700 MiB the
process ended without a word.
"""

import resource
import sys
from pathlib import Path

from PIL import Image
from tokenizers.processors import TemplateProcessing

from tests.vlms.tiny import draw_total, save_random
from vlmbench_sdk import Answer, Generation, ModelError, ModelSettings, Request
from vlmbench_transformers.backend import TransformersModel
from vlmbench_transformers.engine import Shown
from vlmbench_transformers.plugin import TransformersOptions


def model_of(folder: Path, generation: Generation | None = None, **options: object) -> TransformersModel:
    chosen = TransformersOptions.model_validate({"model": str(folder), **options})
    wanted = generation or Generation(max_new_tokens=12, temperature=0)
    return TransformersModel(chosen, ModelSettings(name="tiny", generation=wanted))


def answers(model: TransformersModel, requests: list[Request]) -> dict[str, Answer]:
    """Load, ask, close."""
    try:
        model.load()
        return {answer.sample_id: answer for answer in model.answer(requests)}
    finally:
        model.close()


def requests_of(folder: Path, count: int) -> list[Request]:
    """Questions of unequal length about pictures of unequal size, so that batches are padded."""
    made = []
    for number in range(count):
        path = folder / f"{number}.png"
        if not path.exists():
            drawn = draw_total(f"{number * 37 % 1000}.50")
            drawn.resize((96 + 16 * (number % 3), 96)).save(path)
        prompt = "What is the total?" + " Say only the amount." * (number % 4)
        made.append(Request(sample_id=str(number), images=(str(path),), prompt=prompt))
    return made


def check_families(folder: Path) -> None:
    """Greedy answers do not depend on the size of batches."""
    requests = requests_of(folder, 10)
    for family, options in (("idefics3", {}), ("paligemma", {"prompt_format": "{images}{prompt}"})):
        save_random(family, folder / family)
        alone = answers(model_of(folder / family, None, batch_size=1, **options), requests)
        model = model_of(folder / family, None, batch_size=4, window=2, **options)
        together = answers(model, requests)
        assert len(alone) == len(together) == 10
        assert {name: each.answer for name, each in alone.items()} == {
            name: each.answer for name, each in together.items()
        }, family
        assert len({each.answer for each in alone.values()}) > 1, f"{family} says the same of every picture"
        assert all(each.latency_ms is not None for each in alone.values())
        assert all(each.latency_ms is None for each in together.values())
        facts = model.facts()
        assert (facts["smallest_batch"], facts["halvings"]) == (2, 0), facts
        print(f"{family}: 10 equal answers, alone and in batches of 4")


def check_first_token(folder: Path) -> None:
    """What the chat template began with is not begun twice by a tokenizer that adds its first token."""
    model = model_of(folder / "idefics3")
    model.load()
    engine, start = model._loaded(), "<|im_start|>"
    tokenizer = engine._processor.tokenizer
    number = tokenizer.convert_tokens_to_ids(start)
    tokenizer.bos_token = start
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{start} $A", special_tokens=[(start, number)]
    )
    assert tokenizer("a")["input_ids"][0] == number
    shown = model._show(requests_of(folder, 1)[0])
    assert isinstance(shown, Shown)
    ids = engine.prepare([shown])["input_ids"][0].tolist()
    assert ids.count(number) == shown.text.count(start), ids[:4]
    model.close()
    print("first token: once")


def check_sampling(folder: Path) -> None:
    """With a seed, sampled answers are the same again, in any order and company."""
    requests = requests_of(folder, 6)
    wanted = Generation(max_new_tokens=12, temperature=1.5, seed=7)
    first = answers(model_of(folder / "idefics3", wanted), requests)
    again = answers(model_of(folder / "idefics3", wanted), requests[::-1])
    assert {name: each.answer for name, each in first.items()} == {name: each.answer for name, each in again.items()}
    greedy = answers(model_of(folder / "idefics3"), requests)
    assert any(first[name].answer != greedy[name].answer for name in first)
    print("sampling: 6 answers repeat with their seed")


def check_memory(folder: Path) -> None:
    """Batches that do not fit are halved until they do, and one that never fits costs its own answer only."""
    save_random("llava", folder / "llava")
    # Eager attention needs memory by the square of the length: of 4 heads, 40 MB at 1600 tokens, 2.5 GB at 12500.
    requests = [each.model_copy(update={"prompt": "7" * 1500}) for each in requests_of(folder, 17)]
    requests[8] = requests[8].model_copy(update={"prompt": "7" * 12500})
    wanted = Generation(max_new_tokens=2, temperature=0)
    model = model_of(folder / "llava", wanted, batch_size=16, attention="eager")
    try:
        model.load()
        with limited(1000):
            found = {each.sample_id: each for each in model.answer(requests)}
        facts = model.facts()
    finally:
        model.close()
    assert len(found) == 17
    refused = [each for each in found.values() if each.status == "error"]
    assert [each.sample_id for each in refused] == ["8"], refused
    assert "memory does not suffice for it alone" in refused[0].error, refused[0].error
    halved = facts["halvings"]
    assert isinstance(halved, int)
    assert halved > 1, facts
    print(f"memory: 16 answers after {halved} halvings, batches of {facts['smallest_batch']}; one never fits")


class limited:  # noqa: N801 - reads as a verb
    """Leave this process so many MiB more than it has now."""

    def __init__(self, mib: int) -> None:
        self._mib = mib

    def __enter__(self) -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        bound = pages * resource.getpagesize() + self._mib * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (bound, resource.RLIM_INFINITY))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def check_refusals(folder: Path) -> None:
    """What cannot work is said before the first request."""
    for expected, options in (
        ("sees none", {"device": "cuda"}),
        ("does not exist for the worker", {"model": str(folder / "absent")}),
        ("revision is required", {"model": "owner/name"}),
        ("has no chat template", {"model": str(folder / "paligemma")}),
        ("cannot be loaded", {"model": str(folder)}),
    ):
        model = model_of(folder / "idefics3", None, **options)
        try:
            model.load()
        except ModelError as error:
            assert expected in str(error), error
            print(f"refused: {error}")
        else:
            raise AssertionError(expected)
        finally:
            model.close()


def check_pictures(folder: Path) -> None:
    """A picture that is cut off costs its own answer; a larger one is scaled down as declared."""
    requests = requests_of(folder, 3)
    whole = Path(requests[1].images[0]).read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    broken = requests[1].model_copy(update={"images": (str(folder / "cut.png"),)})
    found = answers(model_of(folder / "idefics3", max_side=64), [requests[0], broken, requests[2]])
    assert found["1"].status == "error"
    assert "cannot be read as a picture" in found["1"].error
    assert "error" not in {found["0"].status, found["2"].status}
    Image.new("RGB", (900, 300), "white").save(folder / "wide.png")
    wide = requests[0].model_copy(update={"images": (str(folder / "wide.png"),)})
    assert answers(model_of(folder / "idefics3", max_side=64), [wide])["0"].input_tokens
    print("pictures: one cut off, its neighbours answered")


def main() -> None:
    """Run all checks."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    check_families(folder)
    check_first_token(folder)
    check_sampling(folder)
    check_refusals(folder)
    check_pictures(folder)
    if sys.argv[2:] == ["memory"]:
        check_memory(folder)


if __name__ == "__main__":
    main()
