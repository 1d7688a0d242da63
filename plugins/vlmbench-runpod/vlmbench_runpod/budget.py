"""What a pod costs, and when that is enough."""

import time


class Budget:
    """Time and money of one pod, from the moment it was asked for."""

    def __init__(self, max_cost_usd: float, max_hours: float) -> None:
        """Start to count."""
        self._max_cost, self._longest_s = max_cost_usd, max_hours * 3600
        self._started, self._ended = time.monotonic(), 0.0
        self._by_cost = False
        self.per_hour = 0.0

    def price(self, per_hour: float) -> None:
        """Learn the price, in US dollars an hour."""
        self.per_hour = per_hour
        if per_hour > 0 and self._max_cost / per_hour * 3600 < self._longest_s:
            self._longest_s, self._by_cost = self._max_cost / per_hour * 3600, True

    def stop(self) -> None:
        """The pod is gone; stop counting."""
        self._ended = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the pod was rented. From the request on, so that it errs towards too much."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def cost(self) -> float:
        """US dollars so far."""
        return self.per_hour * self.seconds / 3600

    @property
    def left_s(self) -> float:
        """Seconds until the pod has to end."""
        return self._longest_s - self.seconds

    @property
    def verdict(self) -> str:
        """Why the pod has to end now; empty while it need not."""
        if self.left_s > 0:
            return ""
        if self._by_cost:
            return f"the pod had cost ${self.cost:.4f}, and `max_cost_usd` is {self._max_cost:g}; it was ended"
        return f"the pod had run for {self.seconds / 3600:.2f} h, which is `max_hours`; it was ended"
