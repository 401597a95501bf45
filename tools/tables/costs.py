"""Tables of single measurements: what something costs, weighs or shows."""

from tools.tables.markdown import link, percent, read, span, table

HEAD = ("what", "result", "command", "file")


def augmentation() -> str:
    """What augmentation costs inside a training step."""
    cost = read("augmentation_cost.json")
    with_it, without = (cost[f"seconds_{kind}_median"] for kind in ("augmented", "plain"))
    low, high = (100 * edge for edge in cost["cost_range"])
    return table(
        HEAD,
        [
            (
                "a KunViT step (batch 128, float32, XLA) with shift, flip, AutoAugment and CutMix, "
                "and without",
                f"{with_it:.2f} and {without:.2f} s, medians of {cost['rounds']} rounds. The ratio "
                f"of both was taken within each round; the median of the ratios is "
                f"{100 * cost['cost_median']:+.1f} %, their range {span(low, high)} %",
                "`python benchmarks/augmentation_cost.py --steps 4 --rounds 7`",
                link("augmentation_cost.json"),
            )
        ],
    )


def epoch_ends() -> str:
    """What waiting for tf.data's tuning thread costs at an epoch's end."""
    ends = read("epoch_ends.json")
    tuned, ours = ends["seconds_tuned"], ends["seconds_ours"]
    waited = [seconds for seconds in tuned if seconds > max(ours) + 2]
    return table(
        HEAD,
        [
            (
                "8 epochs of 20 steps of the compact model with tf.data's tuning",
                f"median {ends['median_tuned']:.1f} s; {len(waited)} of {len(tuned)} took "
                f"{max(waited):.1f} s",
                "`python benchmarks/epoch_ends.py`",
                link("epoch_ends.json"),
            ),
            (
                "the same without the tuning, as this package trains",
                f"median {ends['median_ours']:.1f} s; the longest took {max(ours):.1f} s",
                "the same",
                "the same",
            ),
        ],
    )


def quantization() -> str:
    """Size, accuracy and speed of a quantised model."""
    measured = read("quantization.json")
    rows = [
        (
            kind,
            f"{row['megabytes']:.2f} MB",
            percent(row["test_accuracy"], 1),
            f"{row['images_per_second']:.0f}",
        )
        for kind, row in measured["models"].items()
    ]
    body = table(("weights", "file", "CIFAR-10 test images right", "images a second"), rows)
    return f"{body}\n\n`{measured['command']}`, {link('quantization.json')}"


def checkpoint() -> str:
    """What a checkpoint costs beside an epoch."""
    cost = read("checkpoint_cost.json")
    return table(
        HEAD,
        [
            (
                f"a checkpoint of KunViT with AdamW, {cost['checkpoint_bytes'] / 1e6:.0f} MB: "
                "written, synced, read back, its checksum compared",
                f"{cost['checkpoint_seconds_median']:.2f} s, median of {cost['rounds']} rounds",
                "`python benchmarks/checkpoint_cost.py`",
                link("checkpoint_cost.json"),
            ),
            (
                f"a training step of the same model, and an epoch of 390 of them, on "
                f"{cost['device']}",
                f"{cost['step_seconds_median']:.2f} s a step, {cost['epoch_seconds']:.0f} s an "
                f"epoch: one checkpoint an epoch costs {percent(cost['cost_of_epoch'])} of it",
                "the same",
                "the same",
            ),
        ],
    )


def loading() -> str:
    """Seconds and memory of loading ViT-B/16."""
    rows = []
    for backend, suffix in (("TensorFlow", ""), ("JAX", "_jax"), ("PyTorch", "_torch")):
        measured = read(f"checkpoint_loading{suffix}.json")
        for kind, row in measured["formats"].items():
            rows.append(
                (
                    backend,
                    kind,
                    f"{row['seconds']:.2f}",
                    f"{row['memory_in_files']:.2f}",
                    f"`{measured['command']}`",
                    link(f"checkpoint_loading{suffix}.json", "file"),
                )
            )
    head = ("backend", "format", "seconds", "memory, in sizes of the file", "command", "file")
    return table(head, rows)


def distribution() -> str:
    """What `--distribute data` costs on one device."""
    cost = read("distribution_cost.json")

    def of(kind):
        low, high = (100 * edge for edge in cost[f"cost_{kind}_quartiles"])
        median = 100 * cost[f"cost_{kind}_median"]
        return (
            f"{median:+.1f} % of a step, the median of {cost['rounds']} rounds' ratios; quartiles "
            f"{span(low, high)} %"
        )

    command = "`KERAS_BACKEND=jax python benchmarks/distribution_cost.py --steps 3 --rounds 9`"
    return table(
        HEAD,
        [
            (
                "`--distribute data` on one device, where it changes nothing",
                of("distributed"),
                command,
                link("distribution_cost.json"),
            ),
            (
                "a step inside Keras's `DataParallel` over that one device",
                of("data_parallel"),
                "the same",
                "the same",
            ),
        ],
    )


def attention_on_ink() -> str:
    """Whether the class token looks at the digit."""
    ink = read("attention_on_ink.json")
    return table(
        HEAD,
        [
            (
                "share of the class token's attention to patches that falls on ink, in the last "
                f"block, mean over {ink['test_images']:,} MNIST test images",
                percent(ink["attention_on_ink_last_block"], 1),
                "`python benchmarks/attention_on_ink.py saved_models/mnist`",
                link("attention_on_ink.json"),
            ),
            (
                "share of the image that is ink, which is what attention without a preference "
                "would give",
                percent(ink["ink_share_of_image"], 1),
                "the same",
                "the same",
            ),
        ],
    )


TABLES = {
    "augmentation-cost": augmentation,
    "epoch-ends": epoch_ends,
    "quantization": quantization,
    "checkpoint-cost": checkpoint,
    "checkpoint-loading": loading,
    "distribution-cost": distribution,
    "attention-on-ink": attention_on_ink,
}
