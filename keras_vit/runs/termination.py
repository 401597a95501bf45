"""The answer of a run to SIGTERM, which saves before it ends."""

import signal
import threading


class Terminated(BaseException):
    """The exception that ends a run after SIGTERM.

    It is a BaseException, so that a handler for errors does not catch it.
    """


class Termination:
    """Context manager in which SIGTERM raises `Terminated`, at once or after a checkpoint.

    A second `Termination` must not be entered inside the first, because a process has only one
    handler of SIGTERM.

    Attributes:
        asked: bool, whether the signal came.
        waits: bool, whether the signal raises nothing. A callback that reads `asked` after every
            step, saves and raises `Terminated` itself sets it to True.
    """

    def __init__(self) -> None:
        self.asked = False
        self.waits = False
        self._before = None

    def __enter__(self):
        # Python allows only the main thread to set a handler.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def __exit__(self, *_):
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _on_signal(self, *_):
        self.asked = True
        if not self.waits:
            raise Terminated("stopped by SIGTERM")
