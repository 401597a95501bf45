"""Tables of images a second, beside other libraries."""

from tools.tables.markdown import in_figures, link, read, table

# By the cores that the runs were on: folders of results/ and what their columns are called.
WITH_BFLOAT16 = ("throughput", "throughput_compact_bf16", "throughput_s16_bf16")
WITHOUT_BFLOAT16 = ("throughput_float32", "throughput_compact", "throughput_s16")
MODELS = ("KunViT", "2.1 M parameters", "S/16 at 224 pixels")


def contenders(folder: str) -> dict[str, dict]:
    """What one run measured, by the name of the library."""
    return read(f"{folder}/metrics.json")["contenders"]


def speeds(folders: tuple[str, ...]) -> str:
    """Images a second in training and in prediction, for three models."""
    runs = [contenders(folder) for folder in folders]
    names = list(dict.fromkeys(name for run in reversed(runs) for name in run))
    heads = (
        link(f"{folder}/metrics.json", model) for folder, model in zip(folders, MODELS, strict=True)
    )
    rows = ((shown(name), *(of_both(run.get(name)) for run in runs)) for name in names)
    return table(("training / prediction", *heads), rows)


def of_both(row: dict | None) -> str:
    """Both speeds in one cell."""
    if row is None:
        return "–"
    speed = (row[f"{task}_images_per_second"]["median"] for task in ("train", "infer"))
    return " / ".join(map(in_figures, speed))


def shown(name: str) -> str:
    """The name of a row: TensorFlow always runs with XLA here."""
    return name.replace("TensorFlow", "TensorFlow with XLA").replace("bf16", "bfloat16")


def first_step(folder: str) -> str:
    """KunViT's first step, its memory, and its share of one large matrix product's speed."""
    rows = (
        (
            shown(name),
            f"{row['first_step_seconds']:.1f}",
            f"{row['training_megabytes'] / 1e3:.2f}",
            f"{100 * row['train_share_of_peak']:.0f} %",
        )
        for name, row in contenders(folder).items()
    )
    head = (
        "KunViT",
        "first step, s",
        "memory in training, GB",
        "share of a float32 product's speed",
    )
    return table(head, rows)


def alone() -> str:
    """TensorFlow's memory where JAX is not installed."""
    folder = "throughput_requirements"
    memory = contenders(folder)["ours, TensorFlow"]["training_megabytes"] / 1e3
    where = link(f"{folder}/metrics.json", f"{memory:.2f} GB")
    return (
        f"TensorFlow imports JAX where JAX is installed too, which it was for the table above. "
        f"Without JAX, ours trains KunViT in {where}."
    )


def in_a_line() -> str:
    """README's sentence: ours beside the fastest other library, in training."""
    rows = contenders("throughput")
    train = {name: row["train_images_per_second"]["median"] for name, row in rows.items()}
    name, best = max(
        ((name, speed) for name, speed in train.items() if not name.startswith("ours")),
        key=lambda pair: pair[1],
    )
    return (
        "On two CPU cores that multiply bfloat16, KunViT trains "
        f"{train['ours, PyTorch, bf16']:.0f} images a second on PyTorch; the fastest other library "
        f"({shown(name)}) trains {best:.0f} ({link('throughput/metrics.json', 'file')})."
    )


def augmentation() -> str:
    """Images a second of augmentation alone, with each one's multiple of torchvision."""
    rows = read("augmentation_throughput.json")["augmenters"]
    base = rows["torchvision, 2 workers"]["images_per_second"]["median"]
    cells = (
        (
            shown(name).replace("with XLA", "").strip(),
            f"{row['images_per_second']['median']:,.0f}",
            " to ".join(f"{edge:,.0f}" for edge in row["images_per_second"]["range"]),
            f"{row['images_per_second']['median'] / base:.2f}",
        )
        for name, row in rows.items()
    )
    return table(
        ("", "images a second, median", "lowest to highest round", "of torchvision, 2 workers"),
        cells,
    )


TABLES = {
    "speed-in-a-line": in_a_line,
    "speed-bfloat16": lambda: speeds(WITH_BFLOAT16),
    "speed-float32": lambda: speeds(WITHOUT_BFLOAT16),
    "first-step-bfloat16": lambda: first_step("throughput"),
    "first-step-float32": lambda: first_step("throughput_float32"),
    "memory-without-jax": alone,
    "speed-augmentation": augmentation,
}
