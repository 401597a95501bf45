"""The chief's watch over its workers, by a clock that the tests turn."""

import socket
from types import SimpleNamespace

import pytest
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.src import protos

from keras_vit.runs.run import RunFailed
from keras_vit.tuning.chief import WatchfulServicer, lead
from keras_vit.tuning.roles import Role, role_of_this_process
from keras_vit.tuning.worker import wait_for_chief
from tests.tuning.fake_search import accuracy, make_oracle


class Watch:
    """A servicer whose workers call it directly."""

    def __init__(self, folder, trials=2):
        self.now = 0.0
        self.oracle = make_oracle(folder, trials=trials)
        self.servicer = WatchfulServicer(self.oracle, 10, 100, clock=lambda: self.now)

    def ask(self, worker):
        request = protos.get_service().CreateTrialRequest(tuner_id=worker)
        return self.servicer.CreateTrial(request, None).trial

    def is_alive(self, trial):
        self.servicer.GetTrial(SimpleNamespace(trial_id=trial.trial_id), None)

    def report(self, trial):
        values = self.oracle.trials[trial.trial_id].hyperparameters.values
        metrics = {"val_accuracy": accuracy(values)}
        service = protos.get_service()
        self.servicer.UpdateTrial(
            service.UpdateTrialRequest(trial_id=trial.trial_id, metrics=metrics), None
        )
        trial.status = TrialStatus.to_proto(TrialStatus.COMPLETED)
        self.servicer.EndTrial(service.EndTrialRequest(trial=trial), None)

    def over(self, later=0):
        self.now += later
        return self.servicer.over()


def status(proto):
    return TrialStatus.from_proto(proto.status)


def test_a_silent_workers_trial_is_taken_back_and_given_to_the_next(tmp_path, capsys):
    watch = Watch(tmp_path)
    lost, kept = watch.ask("worker-1"), watch.ask("worker-2")
    for _ in range(3):
        assert not watch.over(later=4)
        watch.is_alive(kept)
    assert "worker-1 was silent for 10 s; its trial 0 is taken back" in capsys.readouterr().out
    watch.report(kept)
    again = watch.ask("worker-2")
    assert again.trial_id == lost.trial_id
    watch.report(again)
    assert not watch.over(), "worker-2 has not been told yet"
    assert status(watch.ask("worker-2")) == TrialStatus.STOPPED
    assert watch.over()
    assert {trial.status for trial in watch.oracle.trials.values()} == {"COMPLETED"}


def test_it_ends_though_the_worker_died_after_the_last_trial(tmp_path):
    watch = Watch(tmp_path, trials=1)
    watch.report(watch.ask("worker"))
    assert not watch.over(later=5)
    assert watch.over(later=6)


def test_with_no_worker_left_it_gives_up_after_the_stated_time(tmp_path):
    watch = Watch(tmp_path)
    watch.ask("worker-1"), watch.ask("worker-2")
    assert not watch.over(later=99)
    assert watch.oracle.ongoing_trials == {}
    with pytest.raises(RunFailed, match="no worker for 100 s; 0 trials are done.*--resume"):
        watch.over(later=2)


def test_it_gives_up_where_no_worker_ever_comes(tmp_path):
    watch = Watch(tmp_path)
    assert not watch.over(later=100)
    with pytest.raises(RunFailed, match="no worker"):
        watch.over(later=1)


def test_a_worker_of_an_earlier_chief_is_waited_for(tmp_path):
    trial = Watch(tmp_path).ask("worker")
    watch = Watch(tmp_path)
    for _ in range(9):
        watch.is_alive(trial)
        assert not watch.over(later=50)
    watch.report(trial)
    assert watch.ask("worker").trial_id == "1"


def test_an_error_in_a_call_does_not_stall_the_next(tmp_path):
    """keras-tuner's issue 915."""
    watch = Watch(tmp_path)
    trial = watch.ask("worker")
    with pytest.raises(ValueError, match="Objective"):
        watch.oracle.update_trial(trial.trial_id, {"loss": 1.0})
    watch.report(trial)
    assert watch.ask("worker").trial_id == "1"


def test_an_address_that_is_taken_ends_in_a_message(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RunFailed, match=address):
            lead(make_oracle(tmp_path), address, 1, 1)


def test_a_worker_without_a_chief_ends_after_the_stated_time():
    """keras-tuner's issue 990: it waits an hour."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(RunFailed, match=f"no chief listened at {address} for 0.3 s"):
        wait_for_chief(address, 0.3)


NAMES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((None, None, None), Role("alone", "tuner0", None)),
        (("chief", "1.2.3.4", "80"), Role("chief", "chief", "1.2.3.4:80")),
        (("worker-1", "1.2.3.4", "80"), Role("worker", "worker-1", "1.2.3.4:80")),
        ((None, "1.2.3.4", "80"), "KERASTUNER_TUNER_ID"),
        (("chief", "1.2.3.4", None), "KERASTUNER_ORACLE_PORT"),
        (("chief", "1.2.3.4", "eighty"), "eighty"),
        (("chief", "1.2.3.4", "70000"), "70000"),
    ],
)
def test_the_role_is_that_of_the_environment(monkeypatch, values, expected):
    for name, value in zip(NAMES, values, strict=True):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    if isinstance(expected, Role):
        assert role_of_this_process() == expected
    else:
        with pytest.raises(ValueError, match=expected):
            role_of_this_process()
