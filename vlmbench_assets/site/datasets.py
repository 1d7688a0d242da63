"""What the site says of one dataset: its samples, its leaderboard, and its models two by two."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import pandas as pd

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.comparing import ComparedPair, compare_models
from vlmbench_assets.lineage import digest_json
from vlmbench_assets.make.leaderboard import rank_dataset
from vlmbench_assets.make.samples import image_root
from vlmbench_assets.site.cells import CellTables, Script, about_metric
from vlmbench_assets.site.columns import LongTexts, coded, short_references
from vlmbench_assets.site.lead import lead_of
from vlmbench_assets.site.pictures import Pictures
from vlmbench_assets.site.scripts import Json, numbers
from vlmbench_assets.tables import rows_of
from vlmbench_assets.work.aggregate import OVERALL, PAIR
from vlmbench_assets.work.compare import Difference
from vlmbench_assets.work.rank import FIXED, Ranking
from vlmbench_assets.work.report_tables import HEADLINE_POLICY
from vlmbench_sdk import ContractError, WorkspaceError

SLICES = 40
"""Slices of a pair, those that moved most."""
FIGURES = (
    "rank", "rank_low", "rank_high", "ci_low", "ci_high", "coverage", "samples", "failed", "median_latency_ms",
    "seconds", "cost_per_1000",
)  # fmt: skip
NOT_COMPARED = "so not compared"
"""How the leaderboard's note ends where a cell's scores mean something else than those of the others."""


def samples_scripts(bench: Bench, name: str, samples: pd.DataFrame, pictures: Pictures) -> Iterator[Script]:
    """The samples of a dataset, and what of them is too long for lists."""
    folder = f"datasets/{name}"
    long = LongTexts(f"{folder}/long")
    questions, references, attributes, images = [], [], [], []
    root = image_root(bench, name)
    for row, sample in enumerate(rows_of(samples)):
        accepted = json.loads(sample["references"])
        shown, cut = short_references(accepted)
        question, told = long.short(row, {"question": sample["question"], "attributes": sample["attributes"]})
        long.keep(row, {"references": accepted} if cut else {})
        questions.append(question)
        attributes.append(told)
        references.append(shown)
        files = zip(json.loads(sample["images"]), json.loads(sample["image_sha256"]), strict=True)
        images.append(" ".join(pictures.add(root, path, digest) for path, digest in files).strip())
    columns = ("doc_id", "split", "subset", "doc_type", "field", "answer_type", "language")
    yield (
        f"{folder}/samples",
        {
            "id": list(samples["sample_id"]),
            **{column: coded(list(samples[column])) for column in columns},
            "question": coded(questions),
            "references": references,
            "attributes": coded(attributes),
            "images": coded(images),
            "long": long.at,
        },
    )
    yield from long.files()


def ranked(bench: Bench, name: str, headline: str, flags: Mapping[str, Json]) -> Ranking | None:
    """The cells of a dataset that can be read, as `vlmbench leaderboard` ranks them; None where there is none."""
    readable = [model for model in flags if model not in _unreadable(flags)]
    return rank_dataset(bench, name, readable, headline) if readable else None


def _unreadable(flags: Mapping[str, Json]) -> list[str]:
    return [model for model, each in flags.items() if isinstance(each, dict) and "unreadable" in each]


def board(
    bench: Bench, ranking: Ranking | None, headline: str, flags: Mapping[str, Json], changes: Mapping[str, Json]
) -> dict[str, Json]:
    """The leaderboard and who leads it; cells that cannot be read stand last without figures."""
    unreadable = _unreadable(flags)
    table = ranking.table if ranking else pd.DataFrame(columns=list(FIXED))
    others = [column for column in table.columns if column not in FIXED and column != headline]
    rows: list[Json] = []
    for row in table.to_dict("records"):
        figures = dict(zip(FIGURES, numbers([row[column] for column in FIGURES]), strict=True))
        rows.append(
            {
                "model": row["model"],
                **figures,
                "currency": "" if pd.isna(row["currency"]) else str(row["currency"]),
                "score": numbers([row[headline]])[0] if headline else None,
                "others": numbers([row[column] for column in others]),
                "front": bool(row["front"]),
                "change": changes.get(row["model"]),
                "flags": flags.get(row["model"], {}),
                "apart": "; ".join(part for part in str(row["note"]).split("; ") if part.endswith(NOT_COMPARED)),
            }
        )
    for model in unreadable:
        nothing = dict.fromkeys([*FIGURES, "score", "change"])
        rows.append(
            {
                "model": model,
                **nothing,
                "currency": "",
                "others": [None] * len(others),
                "front": False,
                "flags": flags[model],
                "apart": "",
            }
        )
    metrics = [{"name": column, **about_metric(bench, column)} for column in others if column in bench.catalog.metrics]
    return {"rows": rows, "metrics": metrics, "lead": lead_of(ranking)}


def slices(cells: Mapping[str, CellTables], headline: str) -> Json:
    """By dimension, of each group: its name, and the headline and n of each model."""
    found: dict[str, dict[str, dict[str, tuple[object, object]]]] = {}
    for model, tables in cells.items():
        frame = tables.aggregates
        rows = frame[
            (frame["metric"] == headline) & (frame["policy"] == HEADLINE_POLICY) & (frame["dimension"] != OVERALL)
        ]
        for row in rows.to_dict("records"):
            if PAIR not in row["dimension"]:
                groups = found.setdefault(row["dimension"], {})
                groups.setdefault(row["group"], {})[model] = (row["value"], row["n"])
    return [
        [dimension, [_group(group, groups[group], cells) for group in sorted(groups)]]
        for dimension, groups in found.items()
    ]


def _group(group: str, by_model: Mapping[str, tuple[object, object]], cells: Iterable[str]) -> Json:
    figures = [by_model.get(model, (None, None)) for model in cells]
    return [group, numbers([value for value, _ in figures]), numbers([n for _, n in figures])]


def golds(cells: Mapping[str, CellTables]) -> Json:
    """Of each model, which samples and references it was scored on: equal numbers are the same ones."""
    made = [tables.made["metrics"] for tables in cells.values()]
    return [int(code) for code in pd.factorize(pd.Series([m.lineage.get("gold", "") if m else "" for m in made]))[0]]


def pairs_key(bench: Bench, cells: Mapping[str, CellTables], headline: str) -> str:
    """Digest of everything that comparisons of these cells depend on."""
    parts: list[object] = [project_versions(), headline]
    for model, tables in cells.items():
        dataset = tables.cell.dataset
        made = [bench.store.manifest("samples", dataset), tables.made["metrics"]]
        parts.append(
            [model, bench.catalog.dimensions_of(dataset, model), *(each.version if each else "" for each in made)]
        )
    return digest_json(parts)


def pairs(bench: Bench, name: str, models: Sequence[str], headline: str) -> Json:
    """Every two models compared on the samples that both answered, as `vlmbench compare` does."""
    if len(models) < 2 or not headline:
        return []
    try:
        compared = compare_models(bench, models, name, headline).pairs
    except (WorkspaceError, ContractError):
        # One that cannot be compared must not keep the others from it.
        return [_pair_alone(bench, name, one, two, headline) for one, two in combinations(models, 2)]
    return [_pair(each) for each in compared]


def _pair_alone(bench: Bench, name: str, one: str, two: str, headline: str) -> Json:
    try:
        return _pair(compare_models(bench, [one, two], name, headline).pairs[0])
    except (WorkspaceError, ContractError) as error:
        return {"first": one, "second": two, "refused": error.what}


def _pair(pair: ComparedPair) -> Json:
    found = pair.comparison
    return {
        "first": pair.first,
        "second": pair.second,
        "overall": _difference(found.overall),
        "slices": [[dimension, group, _difference(each)] for dimension, group, each in found.slices[:SLICES]],
        "more": max(0, len(found.slices) - SLICES),
        "left_out": [
            len(each)
            for each in (found.only_first, found.only_second, found.scored_first, found.scored_second, found.changed)
        ],
    }


def _difference(found: Difference) -> Json:
    figures = (
        found.samples, found.documents, found.first, found.second, found.difference, found.low, found.high,
        found.p_value, found.p_holm, found.mde, found.wins, found.ties, found.losses,
    )  # fmt: skip
    return [*numbers(figures), found.verdict]
