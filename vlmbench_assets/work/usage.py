"""What several workers of a cell used together, and how a person reads what was used."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

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


def one_after_another(used: Sequence[Usage]) -> Usage | None:
    """What a shard's attempts used, of which each began when the one before had ended; None where none was measured."""
    if len(used) < 2:
        return used[0] if used else None
    fields: dict[str, float | int | None] = {
        "samples": sum(each.samples for each in used),
        "seconds": round(sum(each.seconds for each in used), 3),
        "cpu_s": round(sum(each.cpu_s for each in used), 3),
        "gpus": max(each.gpus for each in used),
    }
    for name in ("cpu", "memory", "gpu_memory", "gpu_busy"):
        unit = "_mib" if "memory" in name else ""
        peaks = [peak for each in used if (peak := getattr(each, f"{name}_peak{unit}")) is not None]
        means = [(mean, each.samples) for each in used if (mean := getattr(each, f"{name}_mean{unit}")) is not None]
        measured = sum(samples for _, samples in means)
        fields[f"{name}_peak{unit}"] = max(peaks, default=None)
        if measured:
            fields[f"{name}_mean{unit}"] = round(sum(mean * samples for mean, samples in means) / measured, 3)
    return Usage.model_validate(fields)


def used_of(facts: Mapping[str, JsonValue]) -> Usage | None:
    """What a manifest tells of the use of the machine; None where nothing was measured."""
    found = facts.get("usage")
    # Another version may have measured something else; that is no reason to have no report.
    if not isinstance(found, dict):
        return None
    return Usage.model_validate({name: value for name, value in found.items() if name in Usage.model_fields})


def resources(facts: Mapping[str, JsonValue]) -> dict[str, str]:
    """What the last run that asked took, in rows for people; only what is known."""
    used = used_of(facts) or Usage()
    rows = {
        "wall time, waiting for GPUs included": _seconds(facts.get("wall_s")),
        "time to load the model": _seconds(facts.get("load_s")),
        "processor": _with_peak(used.cpu_mean, used.cpu_peak, "cores"),
        "memory": _with_peak(used.memory_mean_mib, used.memory_peak_mib, "MiB", 0),
        "GPUs": str(used.gpus) if used.gpus else "",
        "GPU memory": _with_peak(used.gpu_memory_mean_mib, used.gpu_memory_peak_mib, "MiB", 0),
        "GPU busy": _with_peak(_percent(used.gpu_busy_mean), _percent(used.gpu_busy_peak), "%", 0),
    }
    return {name: value for name, value in rows.items() if value}


def _seconds(value: JsonValue) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) else ""


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _with_peak(mean: float | None, peak: float | None, unit: str, digits: int = 1) -> str:
    known = [(value, word) for value, word in ((mean, "on average"), (peak, "at most")) if value is not None]
    return ", ".join(f"{value:.{digits}f} {unit} {word}" for value, word in known)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 3) if known else None


def _busy(used: Sequence[Usage]) -> float | None:
    known = [(each.gpu_busy_mean, each.gpus) for each in used if each.gpu_busy_mean is not None and each.gpus]
    return round(sum(busy * gpus for busy, gpus in known) / sum(gpus for _, gpus in known), 3) if known else None
