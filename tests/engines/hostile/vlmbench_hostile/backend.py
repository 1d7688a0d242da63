"""A model that attacks before it answers, and answers what it found."""

from collections.abc import Iterable, Iterator

from vlmbench_hostile import attacks
from vlmbench_hostile.plugin import HostileOptions
from vlmbench_sdk import Answer, Model, Request


class Hostile(Model[HostileOptions]):
    """Answers each request with the outcome of the attack."""

    def load(self) -> None:
        """Nothing to load."""

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Attack once, then answer."""
        found = getattr(attacks, self.options.attack)(self.options.target)
        for request in requests:
            yield Answer(sample_id=request.sample_id, answer=found)
