"""What answers took: time, tokens, money."""

from collections.abc import Sequence

from vlmbench_assets.page.blocks import Block, Bullets, Inline, Paragraph, Table
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.percentiles import SHOWN, fewest, measures
from vlmbench_assets.work.report_tables import ReportTables

_NAMES = {0.5: "median", 0.9: "90th percentile", 0.95: "95th percentile", 0.99: "99th percentile"}


def speed(tables: ReportTables, facts: ReportFacts) -> tuple[Block, ...]:
    """How long single answers took, and all of them together."""
    table = _percentiles(tables, ("latency_ms", "ttft_ms"))
    lines: list[tuple[Inline, ...]] = []
    if facts.answer_s and facts.asked:
        lines.append((f"{facts.asked} answers in {facts.answer_s:.1f} s, {facts.asked / facts.answer_s:.2f}/s",))
    if facts.load_s is not None:
        lines.append((f"{facts.load_s:.1f} s to load the model",))
    if facts.finished_at:
        lines.append((f"finished {facts.finished_at}",))
    together = (Bullets(tuple(lines)),) if lines else ()
    return (*table, *together) or (Paragraph(("Not measured.",)),)


def tokens_and_cost(tables: ReportTables, facts: ReportFacts) -> tuple[Block, ...]:
    """What single answers took of the model, and of the purse."""
    blocks: list[Block] = [*_percentiles(tables, ("input_tokens", "output_tokens"))]
    if facts.cost is not None:
        cost = facts.cost
        said = f"1,000 answers cost {cost.per_1000:.2f} {cost.currency}, these {cost.total:.4g} {cost.currency}"
        blocks.append(
            Paragraph((f"{said}, by the tokens of {cost.answers} answers and the price of the model's entry.",))
        )
    elif blocks:
        blocks.append(Paragraph(("Its entry declares no price; a GPU of one's own costs too, and nobody says what.",)))
    return tuple(blocks)


def _percentiles(tables: ReportTables, columns: Sequence[str]) -> tuple[Block, ...]:
    found = list(measures(tables.answers, columns))
    if not found:
        return ()
    header = ("measure", "answers", *(_NAMES[share] for share in SHOWN), "largest")
    rows = tuple((f"{each.name}, {each.unit}" if each.unit else each.name, *each.shown()) for each in found)
    needs = ", ".join(f"{fewest(share)} for the {_NAMES[share]}" for share in SHOWN)
    rule = f"Of single answers. A percentile is shown from as many as put one beyond it: {needs}."
    return (Table(header, rows), Paragraph((rule,)))
