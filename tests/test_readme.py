import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_vit import load_checkpoint, to_huggingface, to_timm
from tests.weights.google_files import vit_weights

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.medium
def test_the_user_code_runs_with_fewer_epochs(tmp_path):
    code = code_after("In your own code")
    assert "epochs=10" in code
    run(code.replace("epochs=10", "epochs=2"), tmp_path)
    assert (tmp_path / "vit.keras").exists()


@pytest.mark.medium
def test_the_code_for_published_weights_runs_as_printed(tmp_path):
    weights = vit_weights(depth=1)
    np.savez(tmp_path / "ViT-B_16.npz", **weights)
    model = load_checkpoint(tmp_path / "ViT-B_16.npz")
    (to_timm(model, tmp_path / "timm") / "model.safetensors").rename(tmp_path / "model.safetensors")
    (tmp_path / "timm" / "config.json").rename(tmp_path / "config.json")
    to_huggingface(model, tmp_path / "vit")
    run(code_after("Published weights"), tmp_path)
    assert (tmp_path / "for_timm").is_dir()
    assert (tmp_path / "for_hf").is_dir()


@pytest.mark.medium
def test_the_search_code_runs_with_fewer_trials(tmp_path):
    code = code_after("Search")
    shorter = [("max_trials=20", "max_trials=1"), ("epochs=20", "epochs=1")]
    shorter += [("max_parameters=100_000", "max_parameters=100_000, jit_compile=False")]
    for printed, replacement in shorter:
        assert printed in code
        code = code.replace(printed, replacement)
    run(code, tmp_path)
    assert (tmp_path / "best.keras").exists()


@pytest.mark.medium
def test_the_code_for_many_devices_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    run(code_after("Many devices and hosts"), tmp_path)


def code_after(heading):
    """The first Python code of a section."""
    section = README.partition(f"## {heading}\n")[2]
    return re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing


def test_every_number_in_the_recipe_table_is_its_runs_own():
    """The table's accuracies, times and counts are those of the `metrics.json` beside them."""
    rows = re.findall(r"^\| `(.+?)` \|(.+)\| \[results/(.+?)\]", README, re.MULTILINE)
    assert rows
    for command, cells, folder in rows:
        metrics = json.loads((ROOT / "results" / folder / "metrics.json").read_text())
        backend = metrics["backend"]
        chosen = "" if backend == "tensorflow" else f"KERAS_BACKEND={backend} "
        assert command == chosen + metrics["command"]
        assert f"{metrics['test_accuracy']:.2%}".replace("%", " %") in cells
        assert f"{metrics['parameters']:,}" in cells
        assert f"| {metrics['epochs']} |" in cells
        assert f"{metrics['seconds'] / 60:.0f} min" in cells


def test_the_recipes_still_train_as_the_runs_in_their_table_did():
    """What it is with new settings, another run has to say."""
    words = "epochs", "optimizer", "peak_learning_rate", "batch_size", "cutmix", "crop_padding"
    for name in ("digits", "mnist", "cifar10", "cifar100"):
        config = json.loads((ROOT / "results" / name / "config.json").read_text())
        recipe = runpy.run_path(str(ROOT / "recipes" / f"{name}.py"))["RECIPE"]
        now = vars(recipe.presets[config["preset_name"]])
        then = {"optimizer": "adamw"} | config["preset"]  # the oldest runs had no other
        assert {word: now[word] for word in words} == {word: then[word] for word in words}, name


@pytest.mark.parametrize(("name", "whose"), [("cifar10", "the test images"), ("mnist", "MNIST's")])
def test_the_ten_minutes_are_those_of_three_seeds(name, whose):
    folder = ROOT / "results" / f"{name}-10min"
    runs = [json.loads((folder / f"seed-{n}" / "metrics.json").read_text()) for n in range(3)]
    assert [run["seed"] for run in runs] == [0, 1, 2]
    recipe = runpy.run_path(str(ROOT / "recipes" / f"{name}.py"))["RECIPE"]
    assert {run["epochs"] for run in runs} == {recipe.presets["compact-short"].epochs}
    shares = [100 * run["test_accuracy"] for run in runs]
    clock = json.loads((folder / "wall_clock.json").read_text())["seconds_from_command_to_end"]
    seconds = [clock[f"seed-{n}"] for n in range(3)]
    assert max(seconds) < 600
    assert (
        "{:.2f}, {:.2f} and {:.2f} % of {} with seeds 0, 1 and 2, mean {:.2f}, "
        "{} to {} s from the command to the end"
    ).format(*shares, whose, np.mean(shares), min(seconds), max(seconds)) in " ".join(
        README.split()
    )


@pytest.mark.parametrize(
    ("name", "start", "whose"),
    [
        ("cifar10", "for 17 epochs:", "CIFAR-10's test images"),
        ("cifar100", "`cifar100.py --preset cpu-hour` reaches", "CIFAR-100's"),
    ],
)
def test_the_hours_are_those_of_their_runs(name, start, whose):
    recipe = runpy.run_path(str(ROOT / "recipes" / f"{name}.py"))["RECIPE"]
    folder = ROOT / "results" / f"{name}-hour"
    run = json.loads((folder / "metrics.json").read_text())
    assert run["epochs"] == recipe.presets["wide"].epochs
    clock = json.loads((folder / "wall_clock.json").read_text())["seconds_from_command_to_end"]
    assert clock < 3600
    assert (
        f"{start} {100 * run['test_accuracy']:.2f} % of {whose} after {run['seconds'] / 60:.0f} "
        f"minutes of training, {clock / 60:.0f} from the command to its end"
    ) in " ".join(README.split())


def test_mini_vits_accuracy_is_its_runs():
    run = json.loads((ROOT / "results/reproductions/flat_image/cpu/metrics.json").read_text())
    minutes = f"{run['seconds'] / 60:.0f} minutes on 2 cores"
    accuracy = f"{100 * run['test_accuracy']:.2f} % of MNIST's test images"
    assert f"{accuracy} after {run['epochs']} epochs, {minutes}" in " ".join(README.split())


def test_the_peers_ten_minutes_are_those_of_their_runs():
    peers = ROOT / "results" / "peers"
    resnet = json.loads((peers / "resnet18" / "metrics.json").read_text())
    example = json.loads((peers / "keras_io_vit.json").read_text())
    said = " ".join(README.split())
    preset = json.loads((peers / "resnet18" / "config.json").read_text())["preset"]
    epochs = resnet["epochs"] * preset["steps_per_epoch"] / (50_000 // preset["batch_size"])
    assert f"{epochs:.2f} epochs and {100 * resnet['test_accuracy']:.2f} %" in said
    accuracy = f"{100 * example['test_accuracy']:.2f} %"
    assert f"{example['epochs']} epochs and {accuracy}" in said


def test_the_speed_beside_the_peers_is_what_was_measured():
    rows = contenders("")
    train, infer = (
        {name: round(row[f"{task}_images_per_second"]["median"]) for name, row in rows.items()}
        for task in ("train", "infer")
    )
    ours = "ours, PyTorch, bf16"
    peers = [name for name in rows if not name.startswith("ours")]
    said = " ".join(README.split())
    assert f"trains {train[ours]} images a second" in said
    assert f"the best peer, timm under autocast, {max(train[name] for name in peers)};" in said
    assert f"timm as it comes {train['timm']}." in said
    best = max(infer[name] for name in peers)
    assert (
        f"It predicts {infer[ours]} a second, the best peer, timm under autocast, {best}." in said
    )
    assert best == infer["timm, bf16"]
    hub = "keras-hub, PyTorch, bf16"
    words = f"{train['keras-hub, TensorFlow']} with XLA on TensorFlow, where ours makes"
    assert f"keras-hub {train[hub]} on PyTorch and {words} {train['ours, TensorFlow']};" in said
    steps = (f"{rows[name]['first_step_seconds']:.1f}" for name in (ours, hub))
    assert "first step ends after {} s, keras-hub's after {};".format(*steps) in said
    memory = (f"{rows[name]['training_megabytes'] / 1e3:.1f}" for name in (ours, hub, "timm, bf16"))
    assert "trains in {} GB, keras-hub in {}, timm in {}.".format(*memory) in said


def test_tensorflows_memory_is_what_was_measured():
    both, alone = (
        contenders(model)["ours, TensorFlow"]["training_megabytes"] / 1e3
        for model in ("", "_requirements")
    )
    assert f"TensorFlow's {both:.1f} GB are with JAX installed" in README
    assert f"[{alone:.2f} GB](results/throughput_requirements/metrics.json)" in README
    assert alone < 2.5


def test_what_augmentation_and_checkpoints_cost_is_what_was_measured():
    augmented = json.loads((ROOT / "results/augmentation_cost.json").read_text())
    checkpoint = json.loads((ROOT / "results/checkpoint_cost.json").read_text())
    said = " ".join(README.split())
    assert f"cost {100 * augmented['cost_median']:.1f} % of a KunViT training step" in said
    seconds = (augmented[f"seconds_{kind}_median"] for kind in ("augmented", "plain"))
    assert "{:.2f} s a step with them and {:.2f} s without".format(*seconds) in said
    low, high = (100 * share for share in augmented["cost_range"])
    words = f"medians of {augmented['rounds']} rounds in turn, {low:.1f} to +{high:.1f} %"
    assert words in said
    took, step = (checkpoint[f"{kind}_seconds_median"] for kind in ("checkpoint", "step"))
    assert f"took {took:.2f} s beside {step:.2f} s a training step" in said
    assert f"{100 * checkpoint['cost_of_epoch']:.2f} % of an epoch" in said


@pytest.mark.parametrize(
    ("words", "models"),
    [
        (
            "Images a second, training / predicting, on these cores:",
            ("", "_compact_bf16", "_s16_bf16"),
        ),
        ("no products of bfloat16, in float32:", ("_float32", "_compact", "_s16")),
    ],
)
def test_the_tables_of_speed_are_what_was_measured(words, models):
    runs = [f"results/throughput{model}/metrics.json" for model in models]
    rows = [contenders(model) for model in models]
    header, _, *table = re.findall(r"(?:^\|.+\|\n)+", README.partition(words)[2], re.M)[
        0
    ].splitlines()
    assert re.findall(r"\((.+?)\)", header) == runs
    said = {}
    for line in table:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        said[name.removesuffix(" and XLA")] = cells
    tasks = "train", "infer"
    assert said == {
        name: [
            " / ".join(
                in_figures(row[name][f"{task}_images_per_second"]["median"]) for task in tasks
            )
            for row in rows
        ]
        for name in rows[1]
    }


def test_the_speed_without_bfloat16_is_what_was_measured():
    rows = [contenders(model) for model in ("_float32", "_compact", "_s16")]
    on_pytorch = [name for name in rows[0] if "TensorFlow" not in name]
    shares = [row[name]["train_share_of_peak"] for row in (rows[0], rows[2]) for name in on_pytorch]
    printed = " ".join(README.split())
    assert f"at {100 * min(shares):.0f} to {100 * max(shares):.0f} % of the speed" in printed
    on_each = (
        [row[f"ours, {backend}"]["train_images_per_second"]["median"] for row in rows]
        for backend in ("PyTorch", "TensorFlow")
    )
    ratios = [first / second for first, second in zip(*on_each, strict=True)]
    assert f"{min(ratios):.1f} to {max(ratios):.1f} times as fast as TensorFlow" in printed


def test_kunvits_first_step_and_memory_are_what_was_measured():
    rows = contenders("_float32")
    names = "ours, TensorFlow", "keras-hub, TensorFlow", "ours, PyTorch", "timm, compiled"
    peers = rows.keys() - set(names)
    ours, hub, on_pytorch, compiled = (f"{rows[name]['first_step_seconds']:.1f}" for name in names)
    least, most = extremes(rows[name]["first_step_seconds"] for name in peers)
    said = " ".join(README.split())
    assert f"ours {ours} s on TensorFlow (keras-hub {hub}) and {on_pytorch} s on PyTorch" in said
    assert f"(its peers {least} to {most}, compiled timm {compiled})" in said
    ours, hub, on_pytorch = (f"{rows[name]['training_megabytes'] / 1e3:.1f}" for name in names[:3])
    least, most = extremes(rows[name]["training_megabytes"] / 1e3 for name in (*peers, names[3]))
    assert f"had {ours} and {on_pytorch} GB resident at most (keras-hub {hub}," in said
    assert f"the others {least} to {most})" in said


def contenders(model):
    path = ROOT / f"results/throughput{model}/metrics.json"
    return json.loads(path.read_text())["contenders"]


def extremes(values):
    values = list(values)
    return f"{min(values):.1f}", f"{max(values):.1f}"


def test_the_waits_at_an_epochs_end_are_what_was_measured():
    measured = json.loads((ROOT / "results/epoch_ends.json").read_text())
    tuned, ours = measured["seconds_tuned"], measured["median_ours"]
    waited = [f"{seconds:.1f}" for seconds in tuned if seconds > max(measured["seconds_ours"]) + 2]
    said = " ".join(README.split())
    assert len(set(waited)) == 1
    assert f"noise in both, {measured['median_tuned']:.1f} and {ours:.1f})" in said
    assert f"{len(waited)} of {len(tuned)} epochs of the compact model took {waited[0]} s" in said
    assert f"{ours:.1f} s without the wait" in said


def in_figures(speed):
    return f"{speed:.{0 if speed >= 20 else 1}f}"


def test_the_augmentations_speed_is_what_was_measured():
    rows = json.loads((ROOT / "results/augmentation_throughput.json").read_text())["augmenters"]
    speed = {name: row["images_per_second"]["median"] for name, row in rows.items()}
    ours = [speed[f"ours, {name}"] for name in ("TensorFlow", "JAX", "PyTorch")]
    said = " ".join(README.split())
    counts = "{:,.0f} images a second on TensorFlow and {:,.0f} on JAX, both by XLA, and {:,.0f} on"
    assert counts.format(*(round(count, -2) for count in ours)) in said
    for name, words in (
        ("torchvision, 2 workers", "times torchvision with two workers"),
        ("Keras RandAugment, TensorFlow", "times Keras's RandAugment and flip on TensorFlow"),
    ):
        times = "{:.1f}, {:.1f} and {:.1f}".format(*(count / speed[name] for count in ours))
        assert f"{times} {words} ({round(speed[name], -2):,.0f})" in said
    on_jax, on_torch = (speed[f"Keras RandAugment, {name}"] for name in ("JAX", "PyTorch"))
    assert f"on JAX these make {on_jax:.0f} a second, on PyTorch {on_torch:.0f}." in said


def test_the_attention_on_ink_is_what_was_measured():
    measured = json.loads((ROOT / "results" / "attention_on_ink.json").read_text())
    mass, share = measured["attention_on_ink_last_block"], measured["ink_share_of_image"]
    assert f"{100 * mass:.1f} % falls on ink" in README
    assert f"fills {100 * share:.1f} % of the images" in README
