"""Runs that are killed at random moments, again and again, by the same command as before."""

import json
import math
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vit.runs.checkpoint import Checkpoint
from keras_vit.runs.history import read_history

ROOT = Path(__file__).parents[2]
# A few kills on PyTorch in `make test`; `make test-slow` kills on every backend.
a_few = pytest.mark.medium if keras.backend.backend() == "torch" else pytest.mark.slow


class Runs:
    """Starts runs in folders, kills them, and knows what an unbroken one gives.

    Args:
        folder: for all of them.
    """

    def __init__(self, folder):
        self.folder = folder
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.runs.run_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.seconds = math.inf  # of a whole run
        assert self.start("unbroken") == 0, self.log("unbroken")
        self.expected = self.outcome("unbroken")

    def close(self):
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def start(self, name, sent=0, wait=None):
        """The exit status of a run, to which a signal is sent once `wait` returns."""
        new, began = not (self.folder / name).exists(), time.perf_counter()
        print(self.folder / name, "--resume", file=self.server.stdin, flush=True)
        assert self.server.stdout.readline() == "started\n"
        if wait is not None:
            wait()
        print(int(sent), file=self.server.stdin, flush=True)
        status = int(self.server.stdout.readline())
        if new and status == 0:
            # The shortest: on a busy machine some take long, and most kills would come too late.
            self.seconds = min(self.seconds, time.perf_counter() - began)
        return status

    def outcome(self, name):
        folder = self.folder / name
        rows = [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in read_history(folder / "history.csv")
        ]
        metrics = json.loads((folder / "metrics.json").read_text())
        weights = keras.saving.load_model(folder / "model.keras").get_weights()
        return rows, metrics["test_loss"], weights, sorted(p.name for p in folder.iterdir())

    def assert_as_unbroken(self, name):
        rows, loss, weights, files = self.outcome(name)
        assert (rows, loss, files) == (self.expected[0], self.expected[1], self.expected[3])
        for ours, theirs in zip(weights, self.expected[2], strict=True):
            np.testing.assert_array_equal(ours, theirs)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def epochs(self, name):
        """Epochs that the run has in its history, and in its checkpoint."""
        history = self.folder / name / "history.csv"
        rows = len(read_history(history)) if history.exists() else 0
        kept = [
            int(file.name.split("-")[1])
            for file in Checkpoint(self.folder / name / "checkpoint").files()
            if file.with_suffix(".json").exists()
        ]
        return rows, max(kept, default=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    runs = Runs(tmp_path_factory.mktemp("runs"))
    yield runs
    runs.close()


def kill_often(runs, kills, seed):
    """Kills runs until so many have died; each that came to its end was as the unbroken one."""
    draw = random.Random(seed)
    killed, done = 0, 0
    name = f"killed-{seed}-0"
    while killed < kills:
        moment = draw.uniform(0, runs.seconds)
        status = runs.start(name, signal.SIGKILL, lambda: time.sleep(moment))  # noqa: B023
        assert status in (0, -signal.SIGKILL), runs.log(name)
        if status == 0:
            runs.assert_as_unbroken(name)
            done += 1
            name = f"killed-{seed}-{done}"
            continue
        killed += 1
        rows, kept = runs.epochs(name)
        finished = (runs.folder / name / "metrics.json").exists()
        assert finished or kept >= rows - 1, "more than the epoch under way was lost"
    assert runs.start(name) == 0, runs.log(name)
    runs.assert_as_unbroken(name)


@a_few
def test_killed_a_few_times_a_run_ends_as_the_unbroken_one(runs):
    kill_often(runs, 2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])  # 50 kills; `make test-slow` gives each half a process
def test_killed_25_times_runs_end_as_the_unbroken_one(runs, seed):
    kill_often(runs, 25, seed)


@a_few
def test_on_sigterm_a_run_saves_and_says_how_to_go_on(runs):
    name = "terminated"

    def second_epoch():
        give_up = time.perf_counter() + 120
        while runs.epochs(name)[0] < 1 and time.perf_counter() < give_up:
            time.sleep(0.01)

    assert runs.start(name, signal.SIGTERM, second_epoch) == 143, runs.log(name)
    assert "stopped by SIGTERM" in runs.log(name)
    assert runs.log(name).endswith("the same command with --resume goes on\n")
    assert "Traceback" not in runs.log(name)
    assert runs.start(name) == 0, runs.log(name)
    runs.assert_as_unbroken(name)
