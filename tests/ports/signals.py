"""Ending a command that goes on until it is told to stop, from within the test that runs it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.ports.kafka_backends import until


@contextmanager
def terminated_once(holds: Callable[[], bool]) -> Iterator[None]:
    """Send ourselves SIGTERM once something holds, while a command runs that goes on until then."""
    ended = threading.Event()

    def wait_and_terminate() -> None:
        try:
            until(lambda: ended.is_set() or holds())
        finally:
            if not ended.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=wait_and_terminate)
    thread.start()
    yield
    ended.set()
    thread.join()
