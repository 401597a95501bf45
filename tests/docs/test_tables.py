"""The tables of README and docs are what the script writes, and their runs are what they say."""

import dataclasses
import json
import re
import runpy
import statistics

import pytest

from tests.docs.pages import DOCS, ROOT, name
from tools import results_table
from tools.tables import runs, speed, systems

PAGES = [ROOT / "README.md", *DOCS]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_the_tables_that_the_script_writes(page):
    """`make tables` writes them anew."""
    assert results_table.written(page) == page.read_text()


def test_every_table_is_on_a_page():
    marked = re.findall(r"<!-- table: (\S+) -->", "".join(page.read_text() for page in PAGES))
    assert sorted(marked) == sorted(results_table.TABLES)
    ends = sum(page.read_text().count("<!-- end of table -->") for page in PAGES)
    assert ends == len(marked)


def test_an_unknown_table_and_a_missing_file_are_refused(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("<!-- table: none -->\n<!-- end of table -->")
    with pytest.raises(ValueError, match="Received: none"):
        results_table.written(page)
    page.write_text("<!-- table: t -->\nold\n<!-- end of table -->")
    monkeypatch.setitem(results_table.TABLES, "t", lambda: "[a](@/results/no.json)")
    with pytest.raises(ValueError, match="does not exist: results/no.json"):
        results_table.written(page)
    monkeypatch.setitem(results_table.TABLES, "t", lambda: "new")
    assert results_table.written(page) == "<!-- table: t -->\nnew\n<!-- end of table -->"


# The runs of the recipes


@pytest.mark.parametrize("kept", runs.KEPT)
def test_the_recipes_still_train_as_the_kept_runs_did(kept):
    """A preset with new settings needs a new run."""
    words = "epochs", "optimizer", "peak_learning_rate", "batch_size", "cutmix", "crop_padding"
    run = runs.kept(kept)
    preset = runpy.run_path(str(ROOT / "recipes" / f"{run.recipe}.py"))["RECIPE"].presets[
        run.preset
    ]
    for folder, metrics in zip(run.folders, run.metrics, strict=True):
        config = runs.read(f"{folder}/config.json")
        then = {"optimizer": "adamw"} | config["preset"]  # the oldest runs had no other
        now = {word: getattr(preset, word) for word in words}
        assert now == {word: then[word] for word in words}
        assert metrics["epochs"] == preset.epochs


@pytest.mark.parametrize(
    ("kept", "limit", "seeds"),
    [
        ("cifar10-hybrid-short", 120, 3),
        ("cifar10-hybrid", 600, 1),
        ("mnist-10min", 600, 3),
        ("cifar10-10min", 600, 3),
        ("cifar10-hour", 3600, 1),
        ("cifar100-hour", 3600, 1),
    ],
)
def test_two_and_ten_minutes_and_an_hour_are_so_long_at_most(kept, limit, seeds):
    """From the command to its end."""
    run = runs.kept(kept)
    assert len(run.to_end) == len(run.metrics)
    assert max(run.to_end) < limit
    assert [metrics["seed"] for metrics in run.metrics] == list(range(len(run.metrics)))
    assert len(run.metrics) == seeds


def test_a_mean_over_seeds_is_their_mean(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    monkeypatch.setattr("tools.tables.markdown.RESULTS", tmp_path)
    for seed, share in enumerate((0.5, 0.75)):
        folder = tmp_path / "some" / f"seed-{seed}"
        folder.mkdir(parents=True)
        command = f"python recipes/mnist.py --preset cpu-10min --seed {seed} --out x --overwrite"
        metrics = {"test_accuracy": share, "seconds": 60 * (seed + 1), "backend": "jax"}
        (folder / "metrics.json").write_text(json.dumps({**metrics, "command": command}))
        config = {"recipe": "mnist", "preset_name": "cpu-10min"}
        (folder / "config.json").write_text(json.dumps(config))
    (tmp_path / "some" / "wall_clock.json").write_text(
        json.dumps({"seconds_from_command_to_end": {"seed-0": 70, "seed-1": 130}})
    )
    run = runs.kept("some")
    assert (run.accuracy, run.minutes) == (0.625, 1.5)
    assert (run.preset, run.to_end) == ("compact-muon", [70, 130])
    assert run.command == "KERAS_BACKEND=jax python recipes/mnist.py --preset compact-muon"
    assert runs.door(run.command) == "KERAS_BACKEND=jax keras-vit train mnist --preset compact-muon"


def test_the_standard_deviation_is_that_of_the_sample():
    run = runs.kept("cifar10-10min")
    shares = [100 * metrics["test_accuracy"] for metrics in run.metrics]
    mean = sum(shares) / 3
    deviation = (sum((share - mean) ** 2 for share in shares) / 2) ** 0.5
    assert f"| {mean:.2f} % | {deviation:.2f} points |" in runs.seeds()
    assert statistics.mean(shares) == pytest.approx(mean)


# What the prose of docs/speed.md says without numbers


def test_ours_in_bfloat16_trains_faster_than_every_other():
    for folder in speed.WITH_BFLOAT16:
        train = {
            name: row["train_images_per_second"]["median"]
            for name, row in speed.contenders(folder).items()
        }
        others = [images for name, images in train.items() if not name.startswith("ours")]
        assert train["ours, PyTorch, bf16"] > max(others)


def test_without_bfloat16_pytorch_trains_ours_faster_than_tensorflow():
    for folder in speed.WITHOUT_BFLOAT16:
        rows = speed.contenders(folder)
        on_torch, on_tensorflow = (
            rows[f"ours, {backend}"]["train_images_per_second"]["median"]
            for backend in ("PyTorch", "TensorFlow")
        )
        assert on_torch > 1.3 * on_tensorflow


def test_in_float32_every_library_on_pytorch_is_near_a_products_speed():
    for folder in ("throughput_float32", "throughput_s16"):
        for row_name, row in speed.contenders(folder).items():
            if "TensorFlow" not in row_name:
                assert row["train_share_of_peak"] > 0.75


def test_tensorflow_alone_trains_kunvit_in_two_and_a_half_gigabytes():
    memory = speed.contenders("throughput_requirements")["ours, TensorFlow"]["training_megabytes"]
    assert memory < 2500


# The published systems


def put(results, variant, metrics, system="visual_attention"):
    folder = results / "reproductions" / system / variant
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "config.json").write_text(json.dumps({"preset": {"validation_images": 9}}))
    (folder / "history.csv").write_text("accuracy,val_accuracy\n0.125,0.4\n0.25,0.5\n")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A results folder that is empty."""
    monkeypatch.setattr(systems, "RESULTS", tmp_path)
    monkeypatch.setattr("tools.tables.markdown.RESULTS", tmp_path)
    return tmp_path


def test_a_row_is_filled_from_its_run_alone(results):
    """What the tables show for a full run, a shorter one and none."""

    def row(table, variant="cifar10"):
        lines = table().splitlines()
        return [line for line in lines if line.startswith(f"| visual_attention, {variant}")]

    assert row(systems.done) == []
    (planned,) = row(systems.planned, "cifar10 |")
    assert "| 61.83, 64.80, 64.89 | 25 | `keras-vit study visual_attention --variant" in planned
    command = "python recipes/reproductions/visual_attention.py --epochs 3"
    written = {"epochs": 3, "command": command, "backend": "torch", "preset": "cifar10"}
    put(results, "cifar10-short", {**written, "test_accuracy": 0.33333})
    (shorter,) = row(systems.done)
    assert "cifar10, a shorter run | 61.83, 64.80, 64.89 | 25.00, 50.00, [33.33](@/" in shorter
    assert "| 3 of 25 | `KERAS_BACKEND=torch keras-vit study visual_attention --va" in shorter
    assert row(systems.planned, "cifar10 |") == [planned]
    put(results, "cifar10", {**written, "epochs": 25, "best_epoch": 1, "test_accuracy": 0.9})
    full, again = row(systems.done)
    assert again == shorter
    assert "| 12.50, 40.00, [90.00](" in full
    assert "| 25 | `" in full
    assert row(systems.planned, "cifar10 |") == []


def test_every_published_row_is_in_a_table():
    done, planned = systems.done(), systems.planned()
    for system in systems.SYSTEMS:
        for variant in systems.system(system).PUBLISHED:
            assert f"| {system}, {variant} |" in done + planned
    assert "| hybrid_study, cifar10-pretrained | 99.3, –, 98.1 | – | the weights of" in planned


def test_kun_vits_curve_has_ours_by_epoch(results):
    assert systems.curve().count("not yet run") == 2
    put(results, "eight-heads", {"epochs": 200}, "kun_vit")
    tested = [f"{epoch},{epoch / 1000 if epoch % 10 == 0 else ''}" for epoch in range(1, 201)]
    folder = results / "reproductions" / "kun_vit" / "eight-heads"
    (folder / "history.csv").write_text("\n".join(["epoch,val_accuracy", *tested]))
    assert "| eight-heads | 1.00 | 2.00 | 3.00 |" in systems.curve()
    assert "| 89.71 | 89.87 |" in systems.curve()


def test_a_kept_run_is_told_from_a_shorter_one(results, tmp_path):
    preset = dataclasses.asdict(systems.system("kun_vit").RECIPE.presets["cifar10"])
    config = {"recipe": "kun_vit", "preset_name": "cifar10", "preset": preset, "data": "cifar10"}
    run = tmp_path / "run"
    (run / "checkpoint").mkdir(parents=True)
    (run / "metrics.json").write_text("{}")
    (run / "model.keras").write_text("large")

    def kept(**more):
        (run / "config.json").write_text(
            json.dumps({"limit": None, "image_size": None, **config, **more})
        )
        return systems.keep(run)

    whole = kept(preset={**preset, "expect": "said otherwise at the time"})
    assert whole == results / "reproductions" / "kun_vit" / "cifar10"
    assert {path.name for path in whole.iterdir()} == {"config.json", "metrics.json"}
    assert kept(data="folder/cifar10.npz", preset={**preset, "checkpoint_epochs": 4}) == whole
    older = {key: value for key, value in preset.items() if key != "checkpoint_epochs"}
    assert kept(preset=older) == whole
    assert kept(data="others.npz").name == "cifar10-short"
    assert kept(preset={**preset, "accumulate": 4}).name == "cifar10-short"
    assert kept(limit=100).name == "cifar10-short"
    assert kept(image_size=16).name == "cifar10-short"
    assert kept(preset={**preset, "epochs": 3}).name == "cifar10-short"
    with pytest.raises(ValueError, match="Received: .*a run of digits"):
        kept(recipe="digits")


def test_a_run_that_is_none_is_refused_in_a_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        results_table.main(["--keep", str(tmp_path)])
    assert end.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "error: FileNotFoundError" in last
