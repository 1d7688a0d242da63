"""End the worker when the host that started it is gone, however it ended.

The host holds the other end of the worker's standard input and never writes to it. The kernel closes it
with the host's last process, also after kill -9 or the out-of-memory killer, when no handler runs.
"""

import os
import signal
import sys
import threading
import time

WATCH_VARIABLE = "VLMBENCH_STOP_WITH_STDIN"
"""Environment variable that tells a worker that its standard input is held by its host."""
GRACE_S = 5.0


def stop_when_abandoned() -> None:
    """Watch standard input in the background, where the host holds it."""
    if os.environ.get(WATCH_VARIABLE):
        threading.Thread(target=_wait_and_stop, daemon=True).start()


def _wait_and_stop() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        return
    print("the host that started this worker is gone; it stops", file=sys.stderr, flush=True)
    # Politely, so that the journal is synced and the model closed; then whatever the model had started too.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(137)
