"""Which requests are generated together: nothing here knows what a request is."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Made], readers: Executor, window: int
) -> Iterator[list[Made]]:
    """Yield windows of what `read` made of the items, while the next window is already being read."""
    source = iter(items)

    def submit() -> list[Future[Made]]:
        return [readers.submit(read, item) for item in islice(source, window)]

    current = submit()
    while current:
        following = submit()
        yield [future.result() for future in current]
        current = following


def one_ahead(items: Iterable[Item], make: Callable[[Item], Made], maker: Executor) -> Iterator[Made]:
    """Yield what `make` made of each item, in order, while the next one is already being made."""
    waiting: deque[Future[Made]] = deque()
    for item in items:
        waiting.append(maker.submit(make, item))
        if len(waiting) > 1:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


class Sizes(Generic[Item]):
    """Makes batches of similar length, and remembers which were too much for the memory.

    A batch costs its longest item's length times its items, as padding makes all of them equally long.
    """

    def __init__(self, batch_size: int, length: Callable[[Item], int]) -> None:
        """Nothing was too much yet."""
        self._batch_size = batch_size
        self._length = length
        self._too_much: int | None = None
        self.halvings = 0

    def batches(self, window: list[Item]) -> Iterator[list[Item]]:
        """Yield the window's items, longest first, so that memory runs out at the beginning and not after hours."""
        left = deque(sorted(window, key=self._length, reverse=True))
        while left:
            count = self._fitting(self._length(left[0]))
            yield [left.popleft() for _ in range(min(count, len(left)))]

    def halves(self, batch: list[Item]) -> tuple[list[Item], list[Item]]:
        """Split a batch that was too much, and make none as costly again."""
        cost = self._length(batch[0]) * len(batch)
        self._too_much = cost if self._too_much is None else min(cost, self._too_much)
        self.halvings += 1
        middle = (len(batch) + 1) // 2
        return batch[:middle], batch[middle:]

    def _fitting(self, length: int) -> int:
        if self._too_much is None:
            return self._batch_size
        # What failed was more than fits; its half is known to be tried next, so no more than that is begun with.
        return max(1, min(self._batch_size, self._too_much // 2 // max(1, length)))
