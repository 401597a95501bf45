"""The queue of GPU runs, with programs that stand for recipes, and with a real one."""

import importlib.util
import json
import runpy
from pathlib import Path

import pytest

from keras_vit.commands.study import load_study
from keras_vit.tuning.budget import forward_flops, parameter_count

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("gpu_queue", ROOT / "benchmarks" / "gpu_queue.py")
gpu_queue = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(gpu_queue)

STAND_IN = """
import json, signal, sys, time
from pathlib import Path

kind, run = sys.argv[1], Path(sys.argv[sys.argv.index("--out") + 1])
print(*sys.argv[1:], flush=True)
if kind == "broken":
    sys.exit("recipe: error: no such data")
run.mkdir(parents=True, exist_ok=True)
(run / "config.json").write_text("{}")
if kind == "endless" or (kind == "long" and "--resume" not in sys.argv):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    time.sleep(60)
(run / "metrics.json").write_text(json.dumps({"kind": kind}))
(run / "model.keras").write_text("large")
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a queue of stand-ins; gives queue.json's runs and the folder of what is kept."""
    program = tmp_path / "stand_in.py"
    program.write_text(STAND_IN)
    monkeypatch.setattr(gpu_queue, "measured", lambda *_: {"teraflops": 1.0})
    monkeypatch.setattr(gpu_queue, "SAVING", 5)
    monkeypatch.setattr(gpu_queue, "LEAST", 0)
    keep = tmp_path / "kept"

    def go(*jobs, seconds=30, words=()):
        queue = [gpu_queue.Job(f"a/{kind}", program, (kind,), "no", m) for kind, m in jobs]
        folders = ["--runs", str(tmp_path / "runs"), "--keep", str(keep)]
        gpu_queue.main(queue, ["--minutes", str((seconds + 5) / 60), *folders, *words])
        return json.loads((keep / "queue.json").read_text())["runs"], keep

    return go


def test_a_run_is_stopped_with_the_call_and_goes_on_with_the_next(start, tmp_path):
    jobs = [("long", 5), ("quick", 5)]
    runs, keep = start(*jobs, seconds=2)
    assert runs["a/long"]["ended"] == "stopped"
    assert not (keep / "a").exists()
    runs, keep = start(*jobs)
    assert {name: run["ended"] for name, run in runs.items()} == {
        "a/long": "finished",
        "a/quick": "finished",
    }
    assert sorted(f.name for f in (keep / "a" / "long").iterdir()) == [
        "config.json",
        "metrics.json",
    ]
    started = (tmp_path / "runs" / "a" / "long.log").read_text().splitlines()
    assert ["--resume" in line for line in started] == [False, True]
    start(*jobs)
    assert (tmp_path / "runs" / "a" / "long.log").read_text().splitlines() == started


def test_one_that_fails_or_takes_too_long_is_noted_and_not_tried_again(start, tmp_path):
    jobs = [("broken", 5), ("endless", 1 / 60), ("quick", 5)]
    runs, _ = start(*jobs)
    assert runs["a/broken"]["ended"] == "failed"
    assert "recipe: error: no such data" in runs["a/broken"]["last_words"]
    assert runs["a/endless"]["ended"] == "too long"
    assert runs["a/quick"]["ended"] == "finished"
    log = tmp_path / "runs" / "a" / "broken.log"
    before = log.read_text()
    start(*jobs)
    assert log.read_text() == before
    start(*jobs, words=("--again", "--only", "a/broken"))
    assert len(log.read_text()) == 2 * len(before)


def test_a_run_whose_speed_cannot_be_told_is_finished_all_the_same(start, monkeypatch):
    def without(*_):
        raise RuntimeError("no operations counted")

    monkeypatch.setattr(gpu_queue, "speed", without)
    runs, keep = start(("quick", 5), ("long", 5), seconds=3)
    assert runs["a/quick"]["ended"] == "finished"
    assert runs["a/quick"]["speed"] == "not known: no operations counted"
    assert (keep / "a" / "quick" / "metrics.json").exists()
    assert runs["a/long"]["ended"] == "stopped"


def test_one_that_would_begin_anew_waits_for_a_call_that_is_long_enough(start, monkeypatch):
    whole = gpu_queue.Job
    monkeypatch.setattr(
        gpu_queue, "Job", lambda name, program, words, data, m: whole(name, program, words, None, m)
    )
    runs, _ = start(("quick", 0.01))
    assert runs["a/quick"]["ended"] == "finished"
    runs, _ = start(("broken", 1), ("quick", 0.01), seconds=30)
    assert "a/broken" not in runs


def test_it_can_be_listed_and_a_name_that_is_not_in_it_is_refused(capsys):
    gpu_queue.main(arguments=["--list"])
    assert "cifar10/kunvit-0 " in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        gpu_queue.main(arguments=["--only", "nothing"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "gpu_queue.py: error: not in the queue: nothing\n"
    with pytest.raises(SystemExit) as end:
        gpu_queue.main(arguments=["--data", "nowhere"])
    assert end.value.code == 2


def test_every_run_of_the_queue_is_one_of_a_recipes():
    assert len({job.name for job in gpu_queue.QUEUE}) == len(gpu_queue.QUEUE)
    for job in gpu_queue.QUEUE:
        path = Path(job.script)
        if path.parent.name == "reproductions":
            assert job.words[1] in load_study(path.stem)[0].presets, job
        elif "RECIPE" in (names := runpy.run_path(str(ROOT / path))):
            assert job.words[1] in names["RECIPE"].presets, job


def test_no_preset_of_the_queue_is_larger_than_its_rule_allows():
    presets = {(job.script, job.words[1]) for job in gpu_queue.QUEUE if job.words[0] == "--preset"}
    assert len(presets) >= 9
    for script, name in presets:
        recipe = runpy.run_path(str(ROOT / script))["RECIPE"]
        mnist = recipe.name == "mnist"
        shape, classes = ((28, 28, 1), 10) if mnist else ((32, 32, 3), 100)
        count = parameter_count(
            image_shape=shape, num_classes=classes, **recipe.presets[name].model
        )
        assert count <= (1e6 if mnist else 7e6), name


@pytest.mark.slow
def test_with_a_real_recipe_the_speed_is_that_of_its_epochs(tmp_path):
    words = ("--epochs", "3", "--limit", "256", "--seed", "1")
    queue = [gpu_queue.Job("digits", "recipes/digits.py", words, "digits", 5)]
    folders = ["--runs", str(tmp_path / "runs"), "--keep", str(tmp_path / "kept")]
    gpu_queue.main(queue, ["--minutes", "6", "--gemm-size", "256", *folders])
    book = json.loads((tmp_path / "kept" / "queue.json").read_text())
    assert {dtype: peak["dtype"] for dtype, peak in book["peaks"].items()} == {
        "float32": "float32",
        "bfloat16": "bfloat16",
    }
    run = book["runs"]["digits"]
    assert run["ended"] == "finished", run
    metrics = json.loads((tmp_path / "kept" / "digits" / "metrics.json").read_text())
    assert run["test_accuracy"] == metrics["test_accuracy"]
    assert run["images_per_second"] > metrics["images_per_second"], "the first epoch compiles"
    model = runpy.run_path(str(ROOT / "recipes" / "digits.py"))["RECIPE"].presets["small"].model
    closed_form = 3 * forward_flops(image_shape=(8, 8, 1), num_classes=10, **model)
    flops = run["training_flops_per_image"]
    tokens, width, mlp = 17, model["hidden_dim"], model["mlp_dim"]
    assert model.get("pool", "token") == "token", "its last block makes that token alone"
    spared = 2 * width * width + 2 * width * mlp + 2 * tokens * width
    closed_form -= 3 * 2 * (tokens - 1) * spared
    assert closed_form < flops < 1.25 * closed_form, "XLA counts what is elementwise too"
    speed = flops * run["images_per_second"] / 1e12
    assert run["teraflops"] == pytest.approx(speed, abs=1e-4)
    share = speed / book["peaks"]["bfloat16"]["teraflops"]
    assert run["share_of_bfloat16_peak"] == pytest.approx(share, abs=1e-3)
