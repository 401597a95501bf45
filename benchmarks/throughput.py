"""Compare the speed of this library and its peers in training and inference, in images a second.

    pip install --no-deps -r benchmarks/requirements.txt
    python benchmarks/throughput.py --model kunvit [--rounds 5] [--only NAME ...] [--out FOLDER]

Each contender is a process of its own that builds the same Vision Transformer. The processes take
turns of a few steps in each round, so that other work of the machine slows all of them alike. The
results are medians over the rounds without the first round, with the lowest and highest values:

- Images a second in training and in inference.
- The share of the machine's fastest matrix product, which is measured in each round. The operations
  of a model are the published count for all contenders, although the last block of this library
  computes less, because it leaves out the tokens that nothing reads.
- The time of the first step, from the built model to the loss of its first call. It includes the
  compilation. With --group, Keras runs several steps in a call.
- The memory, which is the most that the process had resident before its first prediction.

If a contender cannot take part, the table gives the reason. The exit status is then 1 if --only
named the contender.

--out writes metrics.json and a picture, throughput.png.
"""

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
# With these paths the script runs without an installed package.
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

from contenders import CONTENDERS, MODELS, vit_arguments  # noqa: E402
from gemm_peak import PRODUCTS, timed  # noqa: E402
from turns import ROOM_FOR_OTHERS, Worker, rates, with_range  # noqa: E402

from keras_vit.files import write_json  # noqa: E402


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = "default: %(default)s"
    parser.add_argument(
        "--model", choices=MODELS, default="kunvit", help=f"the sizes of the model ({default})"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CONTENDERS,
        metavar="NAME",
        help="the contenders to compare (default: all)",
    )
    parser.add_argument("--batch", type=int, help="images in a batch (default: the model's)")
    parser.add_argument("--rounds", type=int, default=5, help=f"number of rounds ({default})")
    parser.add_argument("--steps", type=int, default=4, help=f"steps in a turn ({default})")
    parser.add_argument(
        "--group", type=int, default=1, help=f"Keras's steps_per_execution ({default})"
    )
    parser.add_argument(
        "--peak",
        choices=PRODUCTS,
        default="numpy",
        help=f"the library of the matrix product ({default})",
    )
    parser.add_argument("--out", type=Path, help="folder for metrics.json and the picture")
    flags = parser.parse_args(arguments)
    if min(flags.rounds, flags.steps, flags.batch or 1, flags.group) < 1:
        parser.exit(
            2,
            "throughput.py: error: --rounds, --steps, --batch and --group must be 1 or more. "
            f"Received: --rounds {flags.rounds}, --steps {flags.steps}, --batch {flags.batch}, "
            f"--group {flags.group}\n",
        )
    if flags.steps % flags.group:
        parser.exit(
            2,
            "throughput.py: error: --group must divide --steps. "
            f"Received: --group {flags.group}, --steps {flags.steps}\n",
        )
    os.environ.update(ROOM_FOR_OTHERS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = sys.argv[1:] if arguments is None else arguments
    figures = compare(flags, shlex.join(["python", "benchmarks/throughput.py", *arguments]))
    print(as_text(figures))
    if flags.out:
        flags.out.mkdir(parents=True, exist_ok=True)
        write_json(flags.out / "metrics.json", figures)
        draw(figures, flags.out / "throughput.png")
        print(f"throughput: see {flags.out / 'throughput.png'}")
    if flags.only and any("error" in row for row in figures["contenders"].values()):
        sys.exit(1)


def compare(flags, command):
    """Measure all contenders and return the results as a dict.

    Args:
        flags: namespace of the parser.
        command: str, the command, which the results hold too.
    """
    batch = flags.batch or MODELS[flags.model].batch
    peak_dtype = "float32" if flags.peak == "numpy" else "bfloat16"
    size = 2048 if flags.peak == "numpy" else 8192
    product, device = PRODUCTS[flags.peak](peak_dtype, size)
    product()
    workers, memory = {}, {}
    try:
        for name in flags.only or CONTENDERS:
            print(f"throughput: starting {name}", flush=True)
            words = {"contender": name, "model": flags.model, "batch": batch}
            words |= {"steps": flags.steps, "group": flags.group}
            listed = [word for flag, value in words.items() for word in (f"--{flag}", str(value))]
            workers[name] = Worker("contenders.py", *listed)
        peaks = []
        for round_ in range(flags.rounds):
            peaks.append(2 * size**3 / timed(product) / 1e12)
            keep = round_ > 0 or flags.rounds == 1
            for name, worker in workers.items():
                worker.turn("train", flags.steps, keep)
                if round_ == 0:
                    memory[name] = worker.peak_megabytes()
                worker.turn("infer", flags.steps, keep)
        rows = {
            name: row(worker, batch * flags.steps, memory[name]) for name, worker in workers.items()
        }
    finally:
        for worker in workers.values():
            worker.end()
    peak = float(np.median(peaks))
    flops = training_flops(flags.model)
    for figures in rows.values():
        if "error" not in figures:
            speed = figures["train_images_per_second"]["median"] * flops / 1e12
            figures["train_share_of_peak"] = round(speed / peak, 3)
    return {
        "model": flags.model,
        "sizes": MODELS[flags.model]._replace(batch=batch)._asdict(),
        "training_gigaflops_per_image": round(flops / 1e9, 3),
        "peak": {"library": flags.peak, "dtype": peak_dtype, "teraflops": round(peak, 3)},
        "device": f"{device}, {os.cpu_count()} cores",
        "rounds": max(1, flags.rounds - 1),
        "steps": flags.steps,
        "command": command,
        "contenders": rows,
    }


def row(worker, images, training_megabytes):
    """Return the results of one contender as a dict.

    Args:
        worker: `Worker` of the contender.
        images: int, number of images in a turn.
        training_megabytes: int or None, memory of the training in MB.
    """
    if "error" in worker.beginning:
        return worker.beginning
    beginning = worker.beginning
    return {
        "version": beginning["version"],
        "parameters": beginning["parameters"],
        "train_images_per_second": rates(images, worker.seconds["train"]),
        "infer_images_per_second": rates(images, worker.seconds["infer"]),
        "first_step_seconds": round(beginning["first_step_seconds"], 2),
        "import_seconds": round(beginning["import_seconds"], 2),
        "first_loss": round(beginning["first_loss"], 4),
        "training_megabytes": training_megabytes,
    }


def training_flops(model):
    """Return the operations of training on an image, three times those of the forward pass."""
    from keras_vit.tuning.budget import forward_flops

    return 3 * forward_flops(**vit_arguments(MODELS[model]))


def as_text(figures):
    """Write the results as a table, the fastest in training first."""
    peak = figures["peak"]
    lines = [
        f"{figures['model']}, batch {figures['sizes']['batch']}, {figures['device']}; "
        f"{peak['library']} {peak['dtype']} product: {1000 * peak['teraflops']:.0f} GFLOP/s",
        f"{'':30}{'training':>22}{'of peak':>9}{'inference':>22}{'first step':>12}{'memory':>10}",
    ]
    for name, row in ranked(figures):
        if "error" in row:
            lines.append(f"{name:30}{row['error']}")
            continue
        cells = [with_range(row[f"{task}_images_per_second"]) for task in ("train", "infer")]
        lines.append(
            f"{name:30}{cells[0]:>22}{row['train_share_of_peak']:>9.0%}{cells[1]:>22}"
            f"{row['first_step_seconds']:>10.1f} s{row['training_megabytes']:>7} MB"
        )
    return "\n".join(lines)


def ranked(figures):
    """Return (name, results) of all contenders, the fastest in training first."""

    def speed(item):
        return -item[1].get("train_images_per_second", {"median": 0})["median"]

    return sorted(figures["contenders"].items(), key=speed)


def draw(figures, path):
    """Draw four panels of bars: training, inference, the first step and the memory."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [(name, row) for name, row in ranked(figures) if "error" not in row][::-1]
    panels = {
        "training, images a second": lambda row: row["train_images_per_second"],
        "inference, images a second": lambda row: row["infer_images_per_second"],
        "first step, seconds": lambda row: without_range(row["first_step_seconds"]),
        "memory, GB": lambda row: without_range(row["training_megabytes"] / 1000),
    }
    height = 1.2 + 0.34 * len(shown)
    figure, axes = plt.subplots(
        1, len(panels), figsize=(13, height), sharey=True, layout="constrained"
    )
    for axis, (title, values_of) in zip(axes, panels.items(), strict=True):
        for place, (name, row) in enumerate(shown):
            values = values_of(row)
            median, (low, high) = values["median"], values["range"]
            color = "#1f77b4" if name.startswith("ours") else "#b0b0b0"
            error = [[median - low], [high - median]]
            axis.barh(place, median, xerr=error, color=color, ecolor="#404040")
            axis.text(high, place, f" {median:.{0 if median >= 20 else 1}f}", va="center")
        axis.set_title(title)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.2)
    axes[0].set_yticks(range(len(shown)), [name for name, _ in shown])
    figure.suptitle(
        f"{figures['model']}, batch {figures['sizes']['batch']}, {figures['device']}", fontsize=10
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)


def without_range(value):
    """Return a value that was measured once, in the form of a median with its range."""
    return {"median": value, "range": [value, value]}


if __name__ == "__main__":
    main()
