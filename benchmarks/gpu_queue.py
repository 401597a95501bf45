"""Run the recipes and studies that wait for a GPU, the most valuable for its time first.

    python benchmarks/gpu_queue.py --list
    python benchmarks/gpu_queue.py --minutes 9.5 --data FOLDER --keep FOLDER [--only NAME ...]

Each run is the command of a recipe in a process of its own, with a folder inside --runs. When the
minutes of a call are over, the current run gets SIGTERM and saves its state, and the next call
continues it. The small files of a finished run (config.json, history.csv, metrics.json, pictures)
are copied into --keep. The file queue.json in --keep holds for each run how it ended, its images a
second, its TFLOP/s and their share of the GPU's fastest matrix products, which each call measures
first. If a run fails or takes longer than its limit, queue.json holds the end of its output, and
the run is not started again without --again.

`python -m tools.results_table --keep FOLDER` puts a kept run of a study into results/.
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
sys.path.insert(0, str(ROOT))  # With this path the script runs without an installed package.

from keras_vit.files import read_json, write_json  # noqa: E402

KEPT = (".json", ".csv", ".png")
SAVING = 60  # Seconds that a run has after SIGTERM to save its state.
LEAST = 20  # Seconds that must be left for a run to start.


class Job(NamedTuple):
    """One run of the queue.

    Attributes:
        name: str, name of the run's folder inside --runs and --keep.
        script: str, path of the recipe from the project's folder.
        words: tuple of str, the arguments of the recipe.
        data: str or None, name of the data set; None where the run needs no data.
        minutes: float, limit of all calls of the run together.
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
# The budgets are 7 million parameters and twice KunViT's operations, about those of the recipes'
# presets for a GPU, so that the search competes with models that were designed by hand.
SEARCH = ("--max-parameters", "7000000", "--max-flops", "1700000000", "--trials", "24")
QUEUE = (
    *(recipe(data, "gpu-quick", 4) for data in BOTH),
    *(recipe(data, "kunvit", 6) for data in BOTH),
    Job("throughput", "benchmarks/throughput.py", PEERS, None, 5),
    *(recipe(data, "gpu-stem", 10) for data in BOTH),
    recipe("mnist", "gpu", 3),
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
    default = "default: %(default)s"
    parser.add_argument(
        "--minutes", type=float, default=9.5, help=f"the time of this call ({default})"
    )
    parser.add_argument(
        "--data", type=Path, help="a folder of NAME.npz files (default: recipes load data)"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("saved_models/gpu_queue"),
        help=f"the folder of the runs ({default})",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        default=Path("results/gpu"),
        help=f"the folder for the small files of finished runs ({default})",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="start only these runs, named as --list prints"
    )
    parser.add_argument("--again", action="store_true", help="start failed runs again")
    parser.add_argument(
        "--gemm-size", type=int, default=8192, help=f"side of the measured matrices ({default})"
    )
    parser.add_argument("--list", action="store_true", help="print the queue and run nothing")
    flags = parser.parse_args(arguments)
    names = [job.name for job in queue]
    if unknown := set(flags.only or ()) - set(names):
        parser.exit(2, f"gpu_queue.py: error: not in the queue: {', '.join(sorted(unknown))}\n")
    chosen = [job for job in queue if not flags.only or job.name in flags.only]
    if flags.list:
        print("\n".join(f"{job.name:32} {job.minutes:5g} min at most" for job in chosen))
        return
    if flags.data and not flags.data.is_dir():
        parser.exit(2, f"gpu_queue.py: error: --data must be a folder. Received: {flags.data}\n")
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
            print("gpu_queue: the time of this call is over; the same command continues the queue")
            return
        run = flags.runs / job.name
        is_resumed = (run / "config.json").exists() and ended not in ("failed", "too long")
        used = noted.get("seconds", 0.0) * is_resumed
        # A run without data has no --resume, and each call would start it from the beginning.
        if job.data is None and left < 60 * job.minutes:
            print(f"gpu_queue: {job.name} needs a call with {job.minutes:g} minutes left")
            continue
        print(f"gpu_queue: {job.name}, {used:.0f} s so far", flush=True)
        started = time.monotonic()
        code, last_output = attempt(job, run, flags.data, min(left, 60 * job.minutes - used))
        used += time.monotonic() - started
        noted = {"ended": outcome(code, run, used, job), "seconds": round(used, 1)}
        if noted["ended"] == "failed":
            noted["last_words"] = last_output
        book.note(job.name, noted)
        if noted["ended"] == "finished":
            keep(run, flags.keep / job.name)
            try:
                noted |= speed(run, book.peaks)
            # The run is finished and others wait, so no error here may end the queue.
            except Exception as error:
                noted["speed"] = f"not known: {error}"
            book.note(job.name, noted)
        print(f"gpu_queue: {job.name}: {json.dumps(noted)}", flush=True)


class Book:
    """The notes on all runs, in a file that is written whole after each run."""

    def __init__(self, path):
        self.path = path
        self.runs = read_json(path)["runs"] if path.exists() else {}
        self.peaks = {}

    def note(self, name, noted):
        self.runs[name] = noted
        write_json(self.path, {"peaks": self.peaks, "runs": self.runs})


def measured(script, *words):
    """Run a benchmark in a process of its own, which frees the GPU, and return its JSON."""
    command = [sys.executable, str(HERE / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError(f"{script} failed: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def environment():
    here = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {"KERAS_BACKEND": "jax", **os.environ, "PYTHONPATH": here}


def attempt(job, run, data, seconds):
    """Start or resume a run, and stop it when its time is over.

    Args:
        job: `Job`, the run.
        run: path, the folder of the run.
        data: path or None, the folder of the data sets' files.
        seconds: float, the time after which the run is stopped.

    Returns:
        A tuple of the exit status and the end of the output.
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
        # After Ctrl-C, or SIGTERM for this process, the run saves its state too.
        except BaseException:
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


def outcome(code, run, used, job):
    """Return how an attempt ended: "finished", "stopped" (to be resumed), "too long", "failed"."""
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
    """Return the accuracy of a finished run and the speed of its usual epoch."""
    metrics = read_json(run / "metrics.json")
    # A search or a comparison has no epochs; its metrics are complete.
    if not (run / "history.csv").exists():
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
    """Return the median seconds of an epoch, without the first epoch, which compiles.

    Epochs with a validation are left out too, unless every later epoch has one.
    """
    with open(history, newline="") as file:
        rows = list(csv.DictReader(file))
    later = rows[1:] or rows
    usual = [row for row in later if not row.get("val_loss")] or later
    return statistics.median(float(row["seconds"]) for row in usual)


if __name__ == "__main__":
    main()
