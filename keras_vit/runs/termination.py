"""What SIGTERM does to a run: it saves first."""

import signal
import threading


class Terminated(BaseException):
    """Ends a run that was asked to end; a BaseException, so that nobody takes it for a fault."""


class Termination:
    """While it is entered, SIGTERM raises `Terminated`, or waits for somebody who saves.

    A second context manager may not be entered inside: a process has one SIGTERM.

    Attributes:
        asked: whether the signal came.
        waits: set by who will look at `asked` soon, save and raise `Terminated`.
    """

    def __init__(self):
        self.asked = False
        self.waits = False
        self._before = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            self._before = signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def __exit__(self, *_):
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _on_signal(self, *_):
        self.asked = True
        if not self.waits:
            raise Terminated("stopped by SIGTERM")
