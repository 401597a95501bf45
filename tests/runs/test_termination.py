import signal
import threading

import pytest

from keras_vit.runs.termination import Terminated, Termination


def test_sigterm_ends_at_once_what_has_nothing_to_save():
    with pytest.raises(Terminated), Termination():
        signal.raise_signal(signal.SIGTERM)


def test_sigterm_waits_for_who_saves():
    with Termination() as termination:
        termination.waits = True
        assert not termination.asked
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # impatience does not cost the checkpoint
        assert termination.asked


def test_afterwards_the_signal_does_what_it_did():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="some fault"), Termination():
        raise ValueError("some fault")
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_train_without_it():
    asked = []

    def train():
        with Termination() as termination:
            asked.append(termination.asked)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert asked == [False]
