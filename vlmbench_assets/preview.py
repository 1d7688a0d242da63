"""A few rows of a table as Markdown, for the Dagster UI."""

import pandas as pd

from vlmbench_assets.work.markdown import markdown_table

ROWS = 8


def preview(frame: pd.DataFrame, columns: list[str]) -> str:
    """Render the first rows of some columns."""
    if frame.empty:
        return "no rows"
    head = frame[columns].head(ROWS)
    return markdown_table(columns, [[str(cell) for cell in row] for row in head.itertuples(index=False)])
