"""A worker's side of a search: the connection to the chief and its oracle."""

import contextlib
import threading
import time
from collections.abc import Iterator

import grpc
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_client

from keras_vit.runs.run import RunFailed
from keras_vit.tuning.oracles import SearchOracle

CALLS_IN_TIMEOUT = 5
PAUSE = 1.0  # Seconds before a worker asks again after the chief had no trial for it.


class ChiefsOracle(oracle_client.OracleClient):
    """KerasTuner's client of the chief's oracle, with signs of life and a limit to its waiting.

    KerasTuner's own client waits an hour for a chief that cannot be reached.

    Args:
        oracle: `SearchOracle` of the worker itself, which knows only the space of the search.
        worker_timeout: float, seconds of silence after which the chief takes a worker as dead.
        wait: float, seconds that a call waits for a chief that cannot be reached.
    """

    def __init__(self, oracle: SearchOracle, worker_timeout: float, wait: float) -> None:
        super().__init__(oracle)
        self.every = worker_timeout / CALLS_IN_TIMEOUT
        oracle_client.TIMEOUT = wait

    def create_trial(self, tuner_id: str) -> Trial:
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.IDLE:
            time.sleep(PAUSE)
        return trial

    @contextlib.contextmanager
    def signs_of_life(self, trial_id: str) -> Iterator[None]:
        """Call the chief regularly while the block runs, so that this worker counts as alive.

        Args:
            trial_id: str, the trial that this worker runs.
        """
        done = threading.Event()
        request = protos.get_service().GetTrialRequest(trial_id=trial_id)

        def call():
            while not done.wait(self.every):
                # The chief may be down for a moment, so a failed call is no reason to stop.
                with contextlib.suppress(grpc.RpcError):
                    self.stub.GetTrial(request, timeout=self.every)

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def wait_for_chief(address: str, seconds: float) -> None:
    """Wait until a chief listens at an address.

    Args:
        address: str, "IP:PORT" of the chief.
        seconds: float, the longest time to wait.

    Raises:
        RunFailed: if no chief listens there within that time.
    """
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(seconds)
        except grpc.FutureTimeoutError as error:
            raise RunFailed(
                f"no chief listened at {address} for {seconds} s; start the chief first"
            ) from error


@contextlib.contextmanager
def chief_needed(address: str) -> Iterator[None]:
    """Raise `RunFailed` where the chief at an address is lost while the block runs."""
    try:
        yield
    except grpc.RpcError as error:
        raise RunFailed(
            f"the chief at {address} does not answer any more ({error.code().name}); start it "
            "again with --resume"
        ) from error
