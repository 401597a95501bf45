"""Processes that take turns, so that other work of the machine slows all that are compared alike.

A process first writes one line of JSON, which describes it or says what went wrong. Then it reads
lines "TASK STEPS", and answers each with the seconds that the task took, or with its peak memory.
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
# Without these variables, JAX and TensorFlow take most of a GPU's memory when they start.
ROOM_FOR_OTHERS = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


class Worker:
    """A process that takes turns, as the comparing process sees it.

    Args:
        script: str, name of a script in this folder, which calls `take_turns`.
        *words: str, the arguments of the script.

    Attributes:
        beginning: dict, the first message of the process. It has the key "error" where the process
            cannot take part, or not any more.
        seconds: dict, list of the seconds of its turns by task.
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
        return json.loads(line) if line else {"error": "the process ended without a message"}

    def ask(self, *words):
        try:
            print(*words, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return {"error": "the process ended between its turns"}
        return self.answer()

    def turn(self, task, steps, keep=True):
        """Take a turn, whose time is kept unless the turn only warms up or compiles."""
        if "error" in self.beginning:
            return
        answer = self.ask(task, steps)
        if "error" in answer:
            self.beginning = answer
        elif keep:
            self.seconds.setdefault(task, []).append(answer["seconds"])

    def peak_megabytes(self):
        """Return the most memory so far in MB, or None where the process has ended."""
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
    """Take turns in the worker's process until its input ends.

    Args:
        begin: function that returns the first message, a dict, and the tasks, a dict from a name to
            a function of a number of steps.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What libraries print goes to stderr.

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
    """Return the most memory that this process had resident, in bytes."""
    status = Path("/proc/self/status")
    # On Linux, getrusage gives the parent's peak where that was larger.
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def rates(count, seconds):
    """Return the median and the range of a number a second, from the seconds of each turn."""
    values = [count / s for s in seconds]
    low, median, high = (round(float(f(values)), 1) for f in (min, np.median, max))
    return {"median": median, "range": [low, high]}


def with_range(values):
    """Write the median and its range, with one decimal for a median below 20."""
    places = 0 if values["median"] >= 20 else 1
    low, high = values["range"]
    return f"{values['median']:.{places}f} ({low:.{places}f}-{high:.{places}f})"
