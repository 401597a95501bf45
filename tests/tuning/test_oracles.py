"""The oracles: what they propose, and that a kill at any write loses and repeats nothing."""

import contextlib
import json

import pytest
from keras_tuner.engine.trial import TrialStatus

from keras_vit.tuning import Space, oracles
from keras_vit.tuning.projection import Projection
from tests.tuning.fake_search import DEFAULTS, IMAGES, PROJECT, finish, make_oracle, run_trials

KINDS = ("random", "bayesian", "hyperband")


class Killed(BaseException):
    """In place of SIGKILL."""


def values_of(oracle):
    return {key: trial.hyperparameters.values for key, trial in oracle.trials.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_proposal_is_the_defaults_and_all_are_within_the_budget(tmp_path, kind):
    oracle = make_oracle(tmp_path, kind, trials=4)
    run_trials(oracle)
    trials = values_of(oracle)
    first = trials[min(trials)]
    assert {k: v for k, v in first.items() if "/" not in k} == PROJECT(DEFAULTS)
    assert all(PROJECT.cost(values)[0] <= 300_000 for values in trials.values())
    assert {trial.status for trial in oracle.trials.values()} == {"COMPLETED"}


def test_no_two_proposals_are_the_same_once_built(tmp_path):
    """A space of 4 models, of which the budget leaves 2: the search ends after both."""
    fixed = {name: (value,) for name, value in DEFAULTS.items()}
    fixed |= {name: (DEFAULTS[name],) * 2 for name in ("learning_rate", "weight_decay")}
    space = Space(**{**fixed, "depth": (1, 2, 3, 4)})
    unlimited = Projection(space, IMAGES)
    budget = unlimited.cost({**DEFAULTS, "depth": 2})[0]
    project = Projection(space, IMAGES, max_parameters=budget)
    oracle = make_oracle(tmp_path, trials=9, project=project, space=space)
    assert len(run_trials(oracle)) == 2
    assert {values["depth"] for values in values_of(oracle).values()} == {1, 2}
    assert oracle.finished()


@pytest.mark.parametrize("kind", ["random", "hyperband"])
def test_killed_at_any_write_it_goes_on_and_repeats_no_finished_trial(tmp_path, monkeypatch, kind):
    whole = make_oracle(tmp_path / "whole", kind)
    run_trials(whole)
    write, left = oracles.write_json, [0]

    def write_or_die(path, state):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        write(path, state)

    monkeypatch.setattr(oracles, "write_json", write_or_die)
    for writes in range(20):
        folder, finished = tmp_path / f"{writes}", []
        left[0] = writes
        with contextlib.suppress(Killed):
            oracle = make_oracle(folder, kind)
            while True:
                finished += run_trials(oracle, most=1)
        left[0] = 10**6
        again = make_oracle(folder, kind)
        assert set(finished).isdisjoint(run_trials(again))
        assert sorted(again.end_order) == sorted(whole.end_order)
        assert values_of(again) == values_of(whole)


def test_a_result_that_had_come_in_is_not_trained_again(tmp_path):
    """KerasTuner alone repeats it: killed between the last two steps of a trial."""
    oracle = make_oracle(tmp_path)
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5})
    again = make_oracle(tmp_path)
    assert again.trials["0"].status == TrialStatus.COMPLETED
    assert again.trials["0"].score == 0.5
    assert run_trials(again) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_trial_is_named_and_run_anew_with_its_values(tmp_path, capsys, content):
    oracle = make_oracle(tmp_path)
    run_trials(oracle, most=3)
    before = values_of(oracle)
    path = tmp_path / "trials" / "trial_1" / "trial.json"
    path.write_text(content)
    again = make_oracle(tmp_path)
    assert str(path) in capsys.readouterr().out
    assert run_trials(again) == ["1", "3", "4", "5"]
    assert {key: values_of(again)[key] for key in before} == before
    assert {trial.status for trial in again.trials.values()} == {"COMPLETED"}
    assert json.loads(path.read_text())["status"] == "COMPLETED"


def test_damaged_files_of_the_oracle_are_named(tmp_path):
    run_trials(make_oracle(tmp_path), most=1)
    path = tmp_path / "trials" / "oracle.json"
    for content in ("", "{}", "[]"):
        path.write_text(content)
        with pytest.raises(ValueError, match="oracle.json"):
            make_oracle(tmp_path)


def test_three_errors_in_a_row_end_the_search_without_an_exception(tmp_path):
    oracle = make_oracle(tmp_path, trials=9)
    run_trials(oracle, most=1)
    for _ in range(3):
        trial = oracle.create_trial("tuner0")
        trial.status, trial.message = TrialStatus.FAILED, "Traceback\nMemoryError: too big"
        oracle.end_trial(trial)
    assert "MemoryError: too big" in oracle.failure
    assert oracle.create_trial("tuner0").status == TrialStatus.STOPPED
    assert len(run_trials(make_oracle(tmp_path, trials=9))) == 5, "resumed, it tries the rest"


def test_a_trial_whose_loss_was_not_a_number_is_kept_and_read(tmp_path):
    oracle = make_oracle(tmp_path)
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"val_accuracy": 0.1, "val_loss": float("nan")})
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    assert make_oracle(tmp_path).trials["0"].score == 0.1


def test_a_worker_waits_while_another_one_may_still_be_lost(tmp_path):
    oracle = make_oracle(tmp_path, trials=1)
    trial = oracle.create_trial("worker-1")
    assert oracle.create_trial("worker-2").status == TrialStatus.IDLE
    oracle.lose_trial(trial, "worker-1 was silent")
    assert run_trials(oracle, "worker-2") == ["0"]
    assert oracle.finished()


def test_who_was_given_up_may_still_bring_the_result(tmp_path):
    """Its trial is not run again; where it was begun again, the first result counts."""
    oracle = make_oracle(tmp_path, trials=2)
    first = oracle.create_trial("worker-1")
    oracle.lose_trial(first, "silent")
    finish(oracle, first)
    assert run_trials(oracle, "worker-2") == ["1"]
    oracle = make_oracle(tmp_path / "other", trials=1)
    first = oracle.create_trial("worker-1")
    oracle.lose_trial(first, "silent")
    second = oracle.create_trial("worker-2")
    assert second.trial_id == first.trial_id
    finish(oracle, second)
    finish(oracle, first)
    assert oracle.end_order == ["0"]
    assert oracle.finished()


def test_a_trial_that_is_lost_twice_is_failed(tmp_path):
    oracle = make_oracle(tmp_path, trials=1)
    for _ in range(2):
        oracle.lose_trial(oracle.create_trial("worker"), "silent")
    assert oracle.trials["0"].status == TrialStatus.FAILED
    assert oracle.finished()
