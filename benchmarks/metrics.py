"""Speed and memory of scoring, beside the libraries one would call instead.

Run: python benchmarks/metrics.py [--pairs N] [--rounds N]      pairs a second, in one process
     python benchmarks/metrics.py --rows 1000000                peak memory of a cell from its tables to metrics.csv

A pair is an answer and its reference, 5 to 60 characters, half of them Cyrillic; about half of the answers are right,
the others have one to four typing mistakes. Our figures are of `LoadedMetric.score`, what the stage `metrics` calls,
with the normalisation profile of the shipped entries (six normalisers). The others get the same pairs and do what they
do: bare rapidfuzz normalises nothing; `lower, split` is the least that one would write by hand.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from vlmbench_sdk import MetricEntry
from vlmbench_sdk.plugins import load_plugins

PROFILE = ("nfkc", "casefold", "quotes", "dashes", "yo", "whitespace")
LETTERS = ("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789", "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖ0123456789")
SHARE_RIGHT = 0.47
SLOW = 2_000
"""Pairs for what is far slower than the rest."""


def pairs(count: int) -> tuple[list[str], list[str]]:
    """Answers and references."""
    made = random.Random(20261121)  # noqa: S311 - a fixed seed, no secret
    golds = [_text(made) for _ in range(count)]
    return [gold if made.random() < SHARE_RIGHT else _mistyped(made, gold) for gold in golds], golds


def _text(made: random.Random) -> str:
    letters, length = made.choice(LETTERS), made.randint(5, 60)
    words = ""
    while len(words) < length:
        words += "".join(made.choices(letters, k=made.randint(2, 9))) + " "
    return words[:length].strip()


def _mistyped(made: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(made.randint(1, 4)):
        at, what = made.randrange(len(letters)), made.randrange(3)
        if what == 0:
            letters[at] = made.choice("xщ")
        elif what == 1 and len(letters) > 3:
            del letters[at]
        else:
            letters.insert(at, made.choice(" .о"))
    return "".join(letters)


def ours(name: str) -> Callable[[Sequence[str], Sequence[str]], object]:
    """The public function of a metric."""
    from vlmbench_assets.work.score import load_metric

    plugins = load_plugins()
    entry = MetricEntry(plugin=name, normalize=PROFILE)
    metric = load_metric(name, entry, plugins.metrics[name], plugins.normalizers)
    return lambda answers, golds: metric.score(answers, [(gold,) for gold in golds], ["text"] * len(golds))


def plain(text: str) -> str:
    return " ".join(text.lower().split())


def others() -> Iterator[tuple[str, str, Callable[[Sequence[str], Sequence[str]], object], bool]]:
    """Metric, name, function, and whether it is slow; of peers those that are installed."""
    yield (
        "exact match",
        "==, lower, split",
        lambda a, g: [plain(x) == plain(y) for x, y in zip(a, g, strict=True)],
        False,
    )
    similar = Levenshtein.normalized_similarity
    yield "ANLS", "rapidfuzz alone, cpdist", lambda a, g: cpdist(a, g, scorer=similar, score_cutoff=0.5), False
    yield "ANLS", "rapidfuzz, lower, split", lambda a, g: [similar(plain(x), plain(y)) for x, y in zip(a, g)], False  # noqa: B905
    yield "CER", "rapidfuzz alone, cpdist", lambda a, g: cpdist(a, g, scorer=Levenshtein.distance), False
    yield from _installed("CER", "jiwer", "jiwer", "cer", lambda f: lambda a, g: [f(y, x) for x, y in zip(a, g)])  # noqa: B905
    yield from _installed("ANLS", "anls_star", "anls_star", "anls_score", lambda f: lambda a, g: [*map(f, g, a)])
    yield from _installed(
        "ANLS",
        "lmms-eval",
        "lmms_eval.api.metrics",
        "anls",
        lambda f: lambda a, g: [f([y], [x]) for x, y in zip(a, g)],  # noqa: B905
    )
    yield from _installed(
        "ANLS", "evalscope", "evalscope.metrics.nlp.metrics", "ANLS", lambda f: lambda a, g: f().apply(a, g)
    )


Wrap = Callable[[Callable[..., object]], Callable[[Sequence[str], Sequence[str]], object]]


def _installed(
    metric: str, name: str, module: str, attribute: str, wrap: Wrap
) -> Iterator[tuple[str, str, Callable[[Sequence[str], Sequence[str]], object], bool]]:
    try:
        found = getattr(import_module(module), attribute)
    except ImportError:
        return
    yield metric, name, wrap(found), True


def speed(count: int, rounds: int) -> None:
    answers, golds = pairs(count)
    rows = [("exact match", "vlmbench", ours("exact_match"), False), ("ANLS", "vlmbench", ours("anls"), False)]
    rows += [("CER", "vlmbench", ours("cer"), False), ("WER", "vlmbench", ours("wer"), False), *others()]
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    # Side by side: each round runs all of them, so that a busy machine is busy for all.
    for _ in range(rounds):
        for metric, name, function, slow in rows:
            size = min(SLOW * 5 if slow else count, count)
            start, begun = time.perf_counter(), time.process_time()
            function(answers[:size], golds[:size])
            wall, cpu = time.perf_counter() - start, time.process_time() - begun
            taken.setdefault((metric, name), []).append((size / wall, size / cpu))
    print("| metric | what | pairs/s, median | best | pairs per CPU s, median |\n|---|---|--:|--:|--:|")
    for (metric, name), each in sorted(taken.items()):
        wall, cpu = [one for one, _ in each], [two for _, two in each]
        print(
            f"| {metric} | {name} | {statistics.median(wall):,.0f} | {max(wall):,.0f} | {statistics.median(cpu):,.0f} |"
        )


def memory(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_cell(Path(folder), rows)
        subprocess.run([sys.executable, __file__, "--score", folder], check=True)


def write_cell(folder: Path, rows: int) -> None:
    """Write samples.csv and answers.csv of a cell."""
    answers, golds = pairs(min(rows, 100_000))
    with (folder / "samples.csv").open("w", encoding="utf-8") as samples, (folder / "answers.csv").open("w") as said:
        samples.write(
            "sample_id,doc_id,split,subset,doc_type,field,question,references,answer_type,images,image_sha256,language,"
            "attributes\n"
        )
        said.write(
            "sample_id,status,answer,finish_reason,error,attempts,latency_ms,ttft_ms,input_tokens,output_tokens,"
            "prompt_sha256,sample_digest,answered_at\n"
        )
        for index in range(rows):
            at, digest = index % len(golds), f"{index:064x}"
            gold = json.dumps([golds[at]], ensure_ascii=False).replace('"', '""')
            samples.write(
                f"d{index // 4}/f{index % 4},d{index // 4},test,clean,receipt,f{index % 4},What is f{index % 4}?,"
                f'"{gold}",text,"[""p{index // 4}.png""]","[""{index // 4:064x}""]",ru,{{}}\n'
            )
            said.write(
                f"d{index // 4}/f{index % 4},ok,{answers[at]},stop,,1,{index % 997}.5,,900,12,{digest},{digest},"
                "2026-11-21T10:00:00Z\n"
            )


def score_cell(folder: Path) -> None:
    """What the stage `metrics` does with its tables, and what each step takes."""
    from vlmbench_assets.contracts import ANSWERS, METRICS, SAMPLES
    from vlmbench_assets.tables import checked_csv, read_table
    from vlmbench_assets.work.score import load_metric, score

    plugins = load_plugins()
    entries = {name: MetricEntry(plugin=name, normalize=PROFILE) for name in ("exact_match", "anls", "cer")}
    loaded = [load_metric(name, each, plugins.metrics[name], plugins.normalizers) for name, each in entries.items()]
    _peak("imports", time.perf_counter())
    start = time.perf_counter()
    samples = read_table(folder / "samples.csv", SAMPLES)
    start = _peak("samples read and checked", start)
    answers = read_table(folder / "answers.csv", ANSWERS)
    start = _peak("answers read and checked", start)
    table = score(samples, answers, loaded)
    start = _peak("scored with exact match, ANLS, CER", start)
    content = checked_csv(table, METRICS, folder / "metrics.csv")
    start = _peak("metrics checked and rendered", start)
    (folder / "metrics.csv").write_bytes(content)
    del samples, answers, table, content
    read_table(folder / "metrics.csv", METRICS)
    _peak("metrics read and checked again", start)


def _peak(what: str, since: float) -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {what} | {time.perf_counter() - since:.1f} | {peak:,.0f} |", flush=True)
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="peak memory of a cell of so many rows instead")
    parser.add_argument("--score", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        score_cell(options.score)
    elif options.rows:
        print("| step | s | peak MiB so far |\n|---|--:|--:|", flush=True)
        memory(options.rows)
    else:
        speed(options.pairs, options.rounds)


if __name__ == "__main__":
    main()
