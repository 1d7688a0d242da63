"""The assignment problem: which rows and columns go together so that the sum is largest."""

from collections.abc import Sequence

_FAR = float("inf")


def assign(values: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return pairs (row, column) of the largest sum; every row or every column has a partner, whichever are fewer.

    The Hungarian method with potentials, one shortest augmenting path a row (Kuhn 1955; Jonker and Volgenant 1987):
    O(n² m) for n rows and m columns, n <= m. Written by hand: this package goes into environments that have no scipy.
    """
    if not values or not values[0]:
        return []
    rows, columns = len(values), len(values[0])
    if rows > columns:
        return sorted((row, column) for column, row in assign([list(each) for each in zip(*values, strict=True)]))
    row_price, column_price, partner = [0.0] * (rows + 1), [0.0] * (columns + 1), [0] * (columns + 1)
    for row in range(1, rows + 1):
        partner[0] = row
        at, came_from = _path(values, row_price, column_price, partner)
        while at:
            partner[at] = partner[came_from[at]]
            at = came_from[at]
    return sorted((row - 1, column - 1) for column, row in enumerate(partner) if row and column)


def _path(
    values: Sequence[Sequence[float]], row_price: list[float], column_price: list[float], partner: list[int]
) -> tuple[int, list[int]]:
    """The cheapest way from the row in column 0 to a column without a partner; prices are raised along it.

    Rows and columns count from 1.

    Returns:
        The free column, and the column before each on the way.
    """
    columns = len(column_price)
    at, cheapest, came_from, seen = 0, [_FAR] * columns, [0] * columns, [False] * columns
    while True:
        seen[at] = True
        here = partner[at]
        gains = values[here - 1]
        for column in range(1, columns):
            cost = -gains[column - 1] - row_price[here] - column_price[column]
            if not seen[column] and cost < cheapest[column]:
                cheapest[column], came_from[column] = cost, at
        step, nearest = min((cheapest[column], column) for column in range(1, columns) if not seen[column])
        for column in range(columns):
            if seen[column]:
                row_price[partner[column]] += step
                column_price[column] -= step
            else:
                cheapest[column] -= step
        at = nearest
        if not partner[at]:
            return at, came_from
