"""Runs for a GPU, those first that are worth most a minute; goes on where it stopped.

    python benchmarks/gpu_queue.py --list
    python benchmarks/gpu_queue.py --minutes 9.5 --data FOLDER --keep FOLDER [--only NAME ...]

Each run is a recipe's command in a process of its own, in a folder below --runs. A run that is
not through when the call's minutes are is stopped with SIGTERM, saves, and goes on at the next
call. Its small files (config.json, history.csv, metrics.json, pictures) are copied below --keep
when it is finished; queue.json there says of every run how it ended, its images a second, TFLOP/s
and share of the GPU's own matrix products, which each call measures first. A run that fails, or
takes longer than its bound, is noted with its last words and not tried again before --again.

To put a kept run of a study into results/: `python -m tools.results_table --keep FOLDER`.
"""

import argparse
import csv
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))  # nothing has to be installed

from keras_vit.files import read_json, write_json  # noqa: E402

KEPT = (".json", ".csv", ".png")
SAVING = 60  # seconds that a run has after SIGTERM
LEAST = 20  # seconds below which none is started


class Job(NamedTuple):
    """One run.

    Attributes:
        name: its folder's, below --runs and --keep.
        script: the recipe, from the project's folder.
        words: its arguments.
        data: name of its data set; None: it needs none.
        minutes: bound of all its calls together.
    """

    name: str
    script: str
    words: tuple
    data: str | None
    minutes: float


def recipe(data, preset, minutes, seed=0):
    words = ("--preset", preset, "--seed", str(seed))
    return Job(f"{data}/{preset}-{seed}", f"recipes/{data}.py", words, data, minutes)


def study(name, variant, data, minutes):
    words = ("--variant", variant, "--dtype", "float32")
    script = f"recipes/reproductions/{name}.py"
    return Job(f"{name}/{variant}", script, words, data, minutes)


BOTH = ("cifar10", "cifar100")
PEERS = (
    *("--model", "kunvit", "--batch", "512", "--steps", "40", "--group", "10", "--peak", "jax"),
    *("--only", "ours, JAX", "ours, JAX, bf16", "keras-hub, JAX", "timm", "timm, bf16"),
    *("timm, compiled", "timm, compiled, bf16"),
)
# Shares of 7 million parameters and of twice KunViT's operations, as its hand-made rivals have.
SEARCH = ("--max-parameters", "7000000", "--max-flops", "1700000000", "--trials", "24")
QUEUE = (
    *(recipe(data, "kunvit", 6) for data in BOTH),
    Job("throughput", "benchmarks/throughput.py", PEERS, None, 5),
    *(recipe(data, "gpu-stem", 10) for data in BOTH),
    recipe("mnist", "gpu", 3),
    recipe("cifar10", "gpu-quick", 4),
    *(recipe(data, "gpu-plain", 9) for data in BOTH),
    study("flat_image", "plain", "mnist", 5),
    study("flat_image", "augmented", "mnist", 10),
    study("flat_image", "encoder-decoder", "mnist", 15),
    study("flat_image", "concat", "mnist", 15),
    *(study("position_study", row, "cifar10", 5) for row in ("learned", "sincos", "sincos-conv")),
    study("visual_attention", "mnist", "mnist", 2),
    study("visual_attention", "cifar10", "cifar10", 4),
    study("visual_attention", "cifar10-50", "cifar10", 6),
    study("visual_attention", "cifar10-50-wide", "cifar10", 6),
    study("visual_attention", "cifar100", "cifar100", 4),
    *(recipe(data, "gpu-patch2", 25) for data in BOTH),
    *(study("kun_vit", row, "cifar10", 10) for row in ("cifar10", "eight-heads")),
    study("kun_vit", "cifar100", "cifar100", 10),
    *(
        study("hybrid_study", f"{data}-{row}", data, 10)
        for row in ("patch8-12", "patch4-8", "patch4-12")
        for data in BOTH
    ),
    recipe("cifar10", "kunvit-6-heads", 6),
    Job("search", "recipes/search.py", SEARCH, "cifar10", 12),
    *(
        recipe(data, preset, 10, seed)
        for seed in (1, 2)
        for preset in ("kunvit", "gpu-stem", "gpu-plain")
        for data in BOTH
    ),
    *(
        study("hybrid_study", f"{data}-{row}", data, 90)
        for row in ("hybrid", "resnet34")
        for data in BOTH
    ),
)


def main(queue=QUEUE, arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=9.5, help="of this call; default: 9.5")
    parser.add_argument("--data", type=Path, help="folder of NAME.npz; default: as recipes do")
    parser.add_argument("--runs", type=Path, default=Path("saved_models/gpu_queue"))
    parser.add_argument("--keep", type=Path, default=Path("results/gpu"))
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the queue, as --list has it")
    parser.add_argument("--again", action="store_true", help="also those that failed")
    parser.add_argument("--gemm-size", type=int, default=8192, help="side of the matrices")
    parser.add_argument("--list", action="store_true", help="print the queue, and run nothing")
    flags = parser.parse_args(arguments)
    names = [job.name for job in queue]
    if unknown := set(flags.only or ()) - set(names):
        parser.exit(2, f"gpu_queue.py: error: not in the queue: {', '.join(sorted(unknown))}\n")
    chosen = [job for job in queue if not flags.only or job.name in flags.only]
    if flags.list:
        print("\n".join(f"{job.name:32} {job.minutes:5g} min at most" for job in chosen))
        return
    if flags.data and not flags.data.is_dir():
        parser.exit(2, f"gpu_queue.py: error: {flags.data} is no folder\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    carry_out(chosen, flags, time.monotonic() + 60 * flags.minutes)


def carry_out(jobs, flags, end):
    flags.keep.mkdir(parents=True, exist_ok=True)
    book = Book(flags.keep / "queue.json")
    for dtype in ("float32", "bfloat16"):
        words = "--with", "jax", "--dtype", dtype, "--size", str(flags.gemm_size)
        book.peaks[dtype] = measured("gemm_peak.py", *words)
    for job in jobs:
        noted = book.runs.get(job.name, {})
        ended = noted.get("ended")
        if ended == "finished" or (ended in ("failed", "too long") and not flags.again):
            continue
        left = end - time.monotonic() - SAVING
        if left < LEAST:
            print("gpu_queue: the call's time is over; the same command goes on")
            return
        run = flags.runs / job.name
        goes_on = (run / "config.json").exists() and ended not in ("failed", "too long")
        used = noted.get("seconds", 0.0) * goes_on
        if job.data is None and left < 60 * job.minutes:  # it would begin anew each time
            print(f"gpu_queue: {job.name} needs a call with {job.minutes:g} minutes to spare")
            continue
        print(f"gpu_queue: {job.name}, {used:.0f} s so far", flush=True)
        started = time.monotonic()
        code, words = attempt(job, run, flags.data, min(left, 60 * job.minutes - used))
        used += time.monotonic() - started
        noted = {"ended": how(code, run, used, job), "seconds": round(used, 1)}
        if noted["ended"] == "failed":
            noted["last_words"] = words
        book.note(job.name, noted)
        if noted["ended"] == "finished":
            keep(run, flags.keep / job.name)
            try:
                noted |= speed(run, book.peaks)
            except Exception as error:  # of whatever kind: the run is done, and others wait
                noted["speed"] = f"not known: {error}"
            book.note(job.name, noted)
        print(f"gpu_queue: {job.name}: {json.dumps(noted)}", flush=True)


class Book:
    """What is known of the runs, in a file that is whole after each of them."""

    def __init__(self, path):
        self.path = path
        self.runs = read_json(path)["runs"] if path.exists() else {}
        self.peaks = {}

    def note(self, name, noted):
        self.runs[name] = noted
        write_json(self.path, {"peaks": self.peaks, "runs": self.runs})


def measured(script, *words):
    """The JSON that one of the benchmarks prints, in a process of its own: it frees the GPU."""
    command = [sys.executable, str(HERE / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def environment():
    here = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {"KERAS_BACKEND": "jax", **os.environ, "PYTHONPATH": here}


def attempt(job, run, data, seconds):
    """Starts a run or takes it up again, and stops it in time.

    Returns:
        The exit status and the last words that it printed.
    """
    run.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / job.script), *job.words, "--out", str(run)]
    if data and job.data:
        command += ["--data", str(data / f"{job.data}.npz")]
    if (run / "config.json").exists():
        command.append("--resume")
    log = run.with_name(f"{run.name}.log")
    with open(log, "a") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment())
        try:
            process.wait(max(seconds, 1))
        except subprocess.TimeoutExpired:
            stop(process)
        except BaseException:  # Ctrl-C, or SIGTERM for this process: the run saves too
            stop(process)
            raise
    return process.returncode, log.read_text(errors="replace").strip()[-300:]


def stop(process):
    process.terminate()
    try:
        process.wait(SAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def how(code, run, used, job):
    """How an attempt ended: "finished", "stopped" to go on, "too long", or "failed"."""
    if code == 0 and (run / "metrics.json").exists():
        return "finished"
    if code in (143, -15, -9):
        return "too long" if used >= 60 * job.minutes else "stopped"
    return "failed"


def keep(run, target):
    target.mkdir(parents=True, exist_ok=True)
    for file in run.iterdir():
        if file.suffix in KEPT and not file.name.startswith("."):
            shutil.copyfile(file, target / file.name)


def speed(run, peaks):
    """Accuracy, and the speed of a finished run's usual epoch."""
    metrics = read_json(run / "metrics.json")
    if not (run / "history.csv").exists():  # a search, a comparison: their metrics say all
        return {}
    images = metrics["images_per_second"] * metrics["seconds"] / metrics["epochs"]
    rate = images / usual_seconds(run / "history.csv")
    flops = measured("model_flops.py", str(run / "model.keras"))["training_flops"]
    teraflops = rate * flops / 1e12
    return {
        "test_accuracy": metrics["test_accuracy"],
        "training_seconds": metrics["seconds"],
        "images_per_second": round(rate, 1),
        "training_flops_per_image": flops,
        "teraflops": round(teraflops, 4),
        "share_of_bfloat16_peak": round(teraflops / peaks["bfloat16"]["teraflops"], 4),
    }


def usual_seconds(history):
    """The median of the epochs' seconds: not the first, which compiles, and where that leaves any,
    not those with a validation."""
    with open(history, newline="") as file:
        rows = list(csv.DictReader(file))
    later = rows[1:] or rows
    usual = [row for row in later if not row.get("val_loss")] or later
    return statistics.median(float(row["seconds"]) for row in usual)


if __name__ == "__main__":
    main()
