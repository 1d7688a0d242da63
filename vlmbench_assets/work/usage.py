"""What several workers of a cell used together, and how a person reads what was used."""

from collections.abc import Sequence

from vlmbench_sdk.usage import Usage

ADDED = (
    "cpu_s",
    "cpu_peak",
    "cpu_mean",
    "memory_peak_mib",
    "memory_mean_mib",
    "gpu_memory_peak_mib",
    "gpu_memory_mean_mib",
)


def together(used: Sequence[Usage]) -> Usage | None:
    """Add up what workers used that ran side by side; None where nothing was measured.

    A peak is the sum of the workers' peaks: so much was in use at most. GPUs that shards share count for each.
    """
    if not used:
        return None
    if len(used) == 1:
        return used[0]
    sums = {name: _sum([getattr(each, name) for each in used]) for name in ADDED}
    return Usage.model_validate(
        {
            **sums,
            "cpu_s": sums["cpu_s"] or 0.0,
            "samples": max(each.samples for each in used),
            "seconds": max(each.seconds for each in used),
            "gpus": sum(each.gpus for each in used),
            "gpu_busy_peak": max((each.gpu_busy_peak for each in used if each.gpu_busy_peak is not None), default=None),
            "gpu_busy_mean": _busy(used),
        }
    )


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 3) if known else None


def _busy(used: Sequence[Usage]) -> float | None:
    known = [(each.gpu_busy_mean, each.gpus) for each in used if each.gpu_busy_mean is not None and each.gpus]
    return round(sum(busy * gpus for busy, gpus in known) / sum(gpus for _, gpus in known), 3) if known else None
