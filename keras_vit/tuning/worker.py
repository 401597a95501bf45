"""A worker's side of a search: the chief's oracle at the other end of the line."""

import contextlib
import threading
import time

import grpc
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_client

from keras_vit.runs.run import RunFailed

CALLS_IN_TIMEOUT = 5
PAUSE = 1.0  # seconds before a worker asks again that there was no trial for


class ChiefsOracle(oracle_client.OracleClient):
    """KerasTuner's client, which also gives signs of life and doesn't wait an hour for a chief.

    Args:
        oracle: the worker's own oracle, which only says what is searched.
        worker_timeout: seconds of silence after which the chief counts a worker as dead.
        wait: seconds that a call waits for a chief that can't be reached.
    """

    def __init__(self, oracle, worker_timeout, wait):
        super().__init__(oracle)
        self.every = worker_timeout / CALLS_IN_TIMEOUT
        oracle_client.TIMEOUT = wait

    def create_trial(self, tuner_id):
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.IDLE:
            time.sleep(PAUSE)
        return trial

    @contextlib.contextmanager
    def signs_of_life(self, trial_id):
        """Calls the chief now and then while the block runs."""
        done = threading.Event()
        request = protos.get_service().GetTrialRequest(trial_id=trial_id)

        def call():
            while not done.wait(self.every):
                with contextlib.suppress(grpc.RpcError):  # it may be about to come back
                    self.stub.GetTrial(request, timeout=self.every)

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def wait_for_chief(address, seconds):
    """Waits until a chief listens at "IP:PORT"; a `RunFailed` where none does for so long."""
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(seconds)
        except grpc.FutureTimeoutError as error:
            raise RunFailed(f"no chief at {address} for {seconds} s") from error


@contextlib.contextmanager
def chief_needed(address):
    """Turns the loss of the chief into a `RunFailed`."""
    try:
        yield
    except grpc.RpcError as error:
        raise RunFailed(
            f"the chief at {address} is gone ({error.code().name}): start it again with --resume"
        ) from error
