"""What a shard used in the attempt that died counts, too."""

from vlmbench_assets.work.usage import one_after_another
from vlmbench_sdk.usage import Usage


def test_what_attempts_used_adds_up_and_peaks_do_not() -> None:
    first = Usage(samples=1, seconds=10, cpu_s=20, cpu_peak=2, cpu_mean=2, memory_peak_mib=100, memory_mean_mib=100)
    again = Usage(samples=3, seconds=30, cpu_s=5, cpu_peak=1, cpu_mean=1, memory_peak_mib=300, memory_mean_mib=200)
    both = one_after_another([first, again])
    assert both is not None
    assert (both.samples, both.seconds, both.cpu_s, both.cpu_peak, both.cpu_mean) == (4, 40, 25, 2, 1.25)
    assert (both.memory_peak_mib, both.memory_mean_mib, both.gpu_busy_mean) == (300, 175, None)
    assert one_after_another([first]) == first
    assert one_after_another([]) is None
