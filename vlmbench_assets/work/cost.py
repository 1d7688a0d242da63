"""What asking cost, by the tokens that answers took and the price of the model's entry."""

from dataclasses import dataclass

import pandas as pd

from vlmbench_sdk.entries import Price


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of answers; a GPU of one's own costs too, and nobody says what."""

    per_1000: float
    """Of a thousand answers such as these."""
    total: float
    """Of those that say how many tokens they took."""
    answers: int
    """How many these are."""
    currency: str


def cost_of(answers: pd.DataFrame, price: Price | None) -> Cost | None:
    """What answers cost; None where no price is declared, or none of them says how many tokens it took."""
    tokens = answers[["input_tokens", "output_tokens"]].dropna().astype(float)
    if price is None or tokens.empty:
        return None
    mean = tokens.mean()
    each = float(mean["input_tokens"] * price.input_per_million + mean["output_tokens"] * price.output_per_million)
    return Cost(each / 1000, each * len(tokens) / 1e6, len(tokens), price.currency)
