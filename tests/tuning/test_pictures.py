import csv

from keras_vit.tuning.pictures import (
    effects_picture,
    parallel_picture,
    pareto_front,
    pareto_picture,
    searched,
)
from keras_vit.tuning.table import print_table, trial_rows, write_table
from tests.tuning.fake_search import make_oracle, run_trials


def row(trial, accuracy, parameters, **values):
    return {
        "trial": trial,
        "status": "FAILED" if accuracy is None else "COMPLETED",
        "val_accuracy": accuracy,
        "parameters": parameters,
        "flops": 10 * (parameters or 0),
        "seconds": 1,
        **values,
    }


ROWS = [
    row("3", 0.8, 900, depth=2, pool="mean", learning_rate=1e-3, flip=True),
    row("1", 0.7, 900, depth=4, pool="mean", learning_rate=2e-3, flip=True),
    row("2", 0.7, 400, depth=4, pool="token", learning_rate=3e-3, flip=False),
    row("4", 0.6, 500, depth=2, pool="token", learning_rate=4e-3, flip=False),
    row("0", 0.5, 100, depth=1, pool="token", learning_rate=5e-3, flip=False),
    row("5", None, None, depth=1, pool="token", learning_rate=5e-3, flip=False),
]


def test_the_pareto_front_by_hand():
    assert [r["trial"] for r in pareto_front(ROWS[:5])] == ["0", "2", "3"]


def test_the_table_has_every_trial_the_best_first(tmp_path, capsys):
    oracle = make_oracle(tmp_path, trials=4)
    run_trials(oracle, most=3)
    oracle.create_trial("tuner0")  # and one that has not ended
    rows = trial_rows(oracle.trials.values())
    scores = [r["val_accuracy"] for r in rows]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert scores[3] is None
    assert all(
        r["depth"] == oracle.trials[r["trial"]].hyperparameters.values["depth"] for r in rows
    )
    write_table(tmp_path / "t.csv", ROWS)
    with open(tmp_path / "t.csv", newline="") as file:
        assert [r["trial"] for r in csv.DictReader(file)] == ["3", "1", "2", "4", "0", "5"]
    print_table(ROWS)
    said = capsys.readouterr().out
    assert "80.00%" in said
    assert "5 trials completed, 1 failed or lost, of 6" in said


def test_pictures_are_drawn_of_many_trials_and_of_one(tmp_path):
    assert searched(ROWS) == ["depth", "pool", "learning_rate", "flip"]
    for rows in (ROWS, ROWS[:1]):
        for picture in (pareto_picture, parallel_picture, effects_picture):
            path = tmp_path / f"{picture.__name__}-{len(rows)}.png"
            picture(rows, path)
            assert path.read_bytes().startswith(b"\x89PNG")
