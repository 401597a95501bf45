"""Images a second of this library and its peers, side by side, in training and inference.

    pip install --no-deps -r benchmarks/requirements.txt
    python benchmarks/throughput.py --model kunvit [--rounds 5] [--only NAME ...] [--out FOLDER]

Each contender is a process of its own that builds the same Vision Transformer and then waits; they
take turns of a few steps, round by round, so that a machine's other work hits all of them. Beside
them runs the machine's fastest matrix product, which a model's speed is given as a share of. The
figures are medians over the rounds, with the lowest and highest. First step: from the built model
to its first loss, compilation included. Memory: the most that the process ever had resident.

--out keeps metrics.json and a picture, throughput.png.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # nothing has to be installed
sys.path.insert(0, str(HERE))

from contenders import CONTENDERS, MODELS  # noqa: E402
from gemm_peak import PRODUCTS, timed  # noqa: E402

from keras_vit.files import write_json  # noqa: E402


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=MODELS, default="kunvit")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, metavar="NAME")
    parser.add_argument("--batch", type=int, help="instead of the model's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of a turn")
    parser.add_argument("--group", type=int, default=1, help="Keras's steps_per_execution")
    parser.add_argument("--peak", choices=PRODUCTS, default="numpy", help="whose matrix product")
    parser.add_argument("--out", type=Path, help="folder for metrics.json and the picture")
    flags = parser.parse_args(arguments)
    if min(flags.rounds, flags.steps, flags.batch or 1, flags.group) < 1:
        parser.exit(2, "throughput.py: error: rounds, steps, batch and group must be 1 or more\n")
    if flags.steps % flags.group:
        parser.exit(2, "throughput.py: error: --group must divide --steps\n")
    figures = compare(flags)
    print(as_text(figures))
    if flags.out:
        flags.out.mkdir(parents=True, exist_ok=True)
        write_json(flags.out / "metrics.json", figures)
        draw(figures, flags.out / "throughput.png")
        print(f"throughput: see {flags.out / 'throughput.png'}")


def compare(flags):
    """Everything measured, as a dict."""
    batch = flags.batch or MODELS[flags.model].batch
    peak_dtype = "float32" if flags.peak == "numpy" else "bfloat16"
    size = 2048 if flags.peak == "numpy" else 8192
    product, device = PRODUCTS[flags.peak](peak_dtype, size)
    product()
    workers = {}
    try:
        for name in flags.only or CONTENDERS:
            print(f"throughput: starting {name}", flush=True)
            workers[name] = Worker(name, flags, batch)
        peaks = []
        for round_ in range(flags.rounds):
            peaks.append(2 * size**3 / timed(product) / 1e12)
            for worker in workers.values():
                for task in ("train", "infer"):
                    worker.turn(task, flags.steps, keep=round_ > 0 or flags.rounds == 1)
        rows = {name: worker.figures(batch * flags.steps) for name, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.end()
    peak = float(np.median(peaks))
    flops = training_flops(flags.model)
    for row in rows.values():
        if "error" not in row:
            speed = row["train_images_per_second"]["median"] * flops / 1e12
            row["train_share_of_peak"] = round(speed / peak, 3)
    return {
        "model": flags.model,
        "sizes": MODELS[flags.model]._replace(batch=batch)._asdict(),
        "training_gigaflops_per_image": round(flops / 1e9, 3),
        "peak": {"library": flags.peak, "dtype": peak_dtype, "teraflops": round(peak, 3)},
        "device": f"{device}, {os.cpu_count()} cores",
        "rounds": flags.rounds,
        "steps": flags.steps,
        "command": f"python benchmarks/throughput.py {' '.join(sys.argv[1:])}",
        "contenders": rows,
    }


class Worker:
    """A contender's process."""

    def __init__(self, name, flags, batch):
        words = ["--contender", name, "--model", flags.model, "--batch", str(batch)]
        command = [sys.executable, str(HERE / "contenders.py"), *words]
        here = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [*command, "--steps", str(flags.steps), "--group", str(flags.group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": here,
                # Threads that wait actively would take the others' turns, JAX all their memory.
                "OMP_WAIT_POLICY": "PASSIVE",
                "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            },
        )
        self.seconds = {"train": [], "infer": []}
        self.beginning = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the process ended without a word"}

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.answer()

    def turn(self, task, steps, keep):
        """Takes a turn; the first round warms up, and inference compiles in it."""
        if "error" in self.beginning:
            return
        answer = self.ask(task, steps)
        if "error" in answer:
            self.beginning = answer
        elif keep:
            self.seconds[task].append(answer["seconds"])

    def figures(self, images):
        if "error" in self.beginning:
            return self.beginning
        return {
            **{key: self.beginning[key] for key in ("version", "parameters")},
            **{
                f"{task}_images_per_second": spread([images / s for s in seconds])
                for task, seconds in self.seconds.items()
            },
            **{
                key: round(self.beginning[key], 2)
                for key in ("first_step_seconds", "import_seconds")
            },
            "first_loss": round(self.beginning["first_loss"], 4),
            "peak_megabytes": round(self.ask("memory", 0)["peak_bytes"] / 1e6),
        }

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def spread(values):
    low, median, high = (round(float(f(values)), 1) for f in (min, np.median, max))
    return {"median": median, "range": [low, high]}


def training_flops(model):
    """Of one image: three times the forward pass, as keras_vit.tuning.budget counts it."""
    from keras_vit.tuning.budget import forward_flops

    sizes = MODELS[model]
    return 3 * forward_flops(
        image_shape=(sizes.image, sizes.image, 3),
        patch_size=sizes.patch,
        num_classes=sizes.classes,
        hidden_dim=sizes.dim,
        depth=sizes.depth,
        num_heads=sizes.heads,
        mlp_dim=sizes.mlp,
    )


def as_text(figures):
    """The table, fastest in training first."""
    peak = figures["peak"]
    lines = [
        f"{figures['model']}, batch {figures['sizes']['batch']}, {figures['device']}; "
        f"{peak['library']} {peak['dtype']} product: {1000 * peak['teraflops']:.0f} GFLOP/s",
        f"{'':24}{'training':>22}{'of peak':>9}{'inference':>22}{'first step':>12}{'memory':>10}",
    ]
    for name, row in ranked(figures):
        if "error" in row:
            lines.append(f"{name:24}{row['error']}")
            continue
        cells = [with_range(row[f"{task}_images_per_second"]) for task in ("train", "infer")]
        lines.append(
            f"{name:24}{cells[0]:>22}{row['train_share_of_peak']:>9.0%}{cells[1]:>22}"
            f"{row['first_step_seconds']:>10.1f} s{row['peak_megabytes']:>7} MB"
        )
    return "\n".join(lines)


def with_range(values):
    low, high = values["range"]
    return f"{values['median']:.0f} ({low:.0f}-{high:.0f})"


def ranked(figures):
    def speed(item):
        return -item[1].get("train_images_per_second", {"median": 0})["median"]

    return sorted(figures["contenders"].items(), key=speed)


def draw(figures, path):
    """Two panels of bars with their ranges: training and inference."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [(name, row) for name, row in ranked(figures) if "error" not in row][::-1]
    height = 1.2 + 0.34 * len(shown)
    figure, axes = plt.subplots(1, 2, figsize=(10, height), sharey=True, layout="constrained")
    for axis, task, title in zip(axes, ("train", "infer"), ("training", "inference"), strict=True):
        for place, (name, row) in enumerate(shown):
            values = row[f"{task}_images_per_second"]
            low, high = values["range"]
            error = [[values["median"] - low], [high - values["median"]]]
            color = "#1f77b4" if name.startswith("ours") else "#b0b0b0"
            axis.barh(place, values["median"], xerr=error, color=color, ecolor="#404040")
            axis.text(high, place, f" {values['median']:.0f}", va="center")
        axis.set_title(f"{title}, images a second")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
    axes[0].set_yticks(range(len(shown)), [name for name, _ in shown])
    figure.suptitle(
        f"{figures['model']}, batch {figures['sizes']['batch']}, {figures['device']}", fontsize=10
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
