"""A chief and two workers as processes on loopback, and what kills do to them."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.medium

SECONDS = 400
TRIALS = 5
# The budget is near the least model, so that every trial is small.
COMMAND = [sys.executable, "recipes/search.py", "--data", "digits", "--limit", "256"]
COMMAND += ["--trials", str(TRIALS), "--epochs", "1", "--max-parameters", "80000"]
COMMAND += ["--retrain-epochs", "0", "--worker-timeout", "8"]


class Process:
    """One role of a search, and what it has said."""

    def __init__(self, folder, role, port, *arguments):
        self.log = folder / f"{role}-{time.monotonic_ns()}.log"
        roles = {
            "KERASTUNER_TUNER_ID": role,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--out", str(folder / "search"), *arguments],
                env={**os.environ, **roles},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def said(self):
        return self.log.read_text()

    def wait_for(self, pattern, count=1):
        deadline = time.monotonic() + SECONDS
        while len(re.findall(pattern, self.said())) < count:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        return self.process.wait(SECONDS)


@pytest.fixture
def start(tmp_path):
    started = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def process(role, *arguments):
        started.append(Process(tmp_path, role, port, *arguments))
        return started[-1]

    yield process
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.mark.slow
def test_the_search_ends_though_a_worker_and_the_chief_were_killed(tmp_path, start):
    first_chief = start("chief")
    doomed, other = start("worker-1"), start("worker-2")
    doomed.wait_for(r"search: trial \d+: ")
    doomed.kill()
    lost = re.search(r"search: trial (\d+): ", doomed.said())[1]
    first_chief.wait_for(r"trial \d+ completed", 2)
    first_chief.kill()
    chief = start("chief", "--resume")
    assert chief.end() == 0, chief.said()
    assert other.end() == 0, other.said()

    said = first_chief.said() + chief.said()
    completed = re.findall(r"search: trial (\d+) completed", said)
    assert sorted(completed) == sorted(set(completed)) == [str(i) for i in range(TRIALS)]
    begun = re.findall(r"search: trial (\d+): ", other.said())
    assert lost in begun
    assert len(begun) == len(set(begun)) == TRIALS, "a finished trial was repeated"

    with open(tmp_path / "search" / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"COMPLETED"}
    assert all(int(row["parameters"]) <= 80000 for row in rows)
    metrics = json.loads((tmp_path / "search" / "metrics.json").read_text())
    assert metrics["completed"] == metrics["trials"] == TRIALS
