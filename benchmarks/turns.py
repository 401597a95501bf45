"""Processes that take turns, so that a machine's other work hits all that are compared.

Each begins by saying one line of JSON, of itself or of what went wrong; then it is told "TASK
STEPS", a line each, and answers with the seconds that this took, or with its peak of memory.
"""

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
# JAX and TensorFlow would take most of a GPU's memory at once.
ROOM_FOR_OTHERS = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


class Worker:
    """A process that takes turns, seen from the one that compares.

    Args:
        script: in this folder; calls `take_turns`.
        *words: its arguments.

    Attributes:
        beginning: what it said first; has "error" where it cannot take part (any more).
        seconds: of its turns, by task.
    """

    def __init__(self, script, *words):
        here = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": here, **ROOM_FOR_OTHERS},
        )
        self.seconds = {}
        self.beginning = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the process ended without a word"}

    def ask(self, *words):
        try:
            print(*words, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return {"error": "the process ended between its turns"}
        return self.answer()

    def turn(self, task, steps, keep=True):
        """Takes a turn; one that warms up, or compiles, is not to be kept."""
        if "error" in self.beginning:
            return
        answer = self.ask(task, steps)
        if "error" in answer:
            self.beginning = answer
        elif keep:
            self.seconds.setdefault(task, []).append(answer["seconds"])

    def peak_megabytes(self):
        """The most memory so far; None where the process has ended."""
        answer = self.ask("memory", 0)
        return None if "error" in answer else round(answer["peak_bytes"] / 1e6)

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def take_turns(begin):
    """The worker's side, to the end of its input.

    Args:
        begin: gives what to say first, as a dict, and the tasks: functions of a number of steps,
            by name.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    try:
        beginning, tasks = begin()
        answer(**beginning)
        for line in sys.stdin:
            task, steps = line.split()
            if task == "memory":
                answer(peak_bytes=peak_bytes())
                continue
            started = time.perf_counter()
            tasks[task](int(steps))
            answer(seconds=time.perf_counter() - started)
    except Exception as error:
        traceback.print_exc()
        answer(error=f"{type(error).__name__}: {error}".splitlines()[0])


def peak_bytes():
    """The most memory that this process had resident."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux; getrusage has the parent's there, where that was larger
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def rates(count, seconds):
    """Median and range of how many a second."""
    values = [count / s for s in seconds]
    low, median, high = (round(float(f(values)), 1) for f in (min, np.median, max))
    return {"median": median, "range": [low, high]}


def with_range(values):
    """The median and its range, as precise as the median is small."""
    places = 0 if values["median"] >= 20 else 1
    low, high = values["range"]
    return f"{values['median']:.{places}f} ({low:.{places}f}-{high:.{places}f})"
