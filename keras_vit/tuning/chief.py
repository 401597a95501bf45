"""The chief of a search with several workers, which hands out trials until all have ended."""

import time
from collections.abc import Callable
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from keras_vit.runs.run import RunFailed
from keras_vit.tuning.oracles import SearchOracle

TICK = 0.5  # Seconds between two checks of the workers.


def lead(oracle: SearchOracle, address: str, worker_timeout: float, wait: float) -> None:
    """Serve an oracle's trials over gRPC until no trial is left and every worker has stopped.

    KerasTuner's servicer answers the workers. KerasTuner's own loop around it never ends once a
    worker was killed, and this function replaces that loop. A worker that is silent for
    `worker_timeout` counts as dead, and the next worker that asks gets its trial, once.

    Args:
        oracle: `SearchOracle`, the trials of the search.
        address: str, "IP:PORT" to listen at.
        worker_timeout: float, seconds of silence after which a worker counts as dead. Workers call
            five times in this time.
        wait: float, seconds without any living worker after which the chief gives up.

    Raises:
        RunFailed: if the chief cannot listen at the address, if no worker calls for `wait` seconds,
            or if several trials in a row failed. The finished trials are kept, and the search can
            be resumed.
    """
    # KerasTuner's locks stay locked after an exception. They belong to a thread, so that a single
    # thread, which makes all calls to the oracle, never waits for one of them.
    with futures.ThreadPoolExecutor(max_workers=1) as pool:
        server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        servicer = WatchfulServicer(oracle, worker_timeout, wait)
        protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise RunFailed(
                "the chief can't listen at the address of KERASTUNER_ORACLE_IP and "
                "KERASTUNER_ORACLE_PORT, which must be free and belong to this machine. "
                f"Received: {address} ({error})"
            ) from error
        server.start()
        print(f"search: the chief listens at {address}", flush=True)
        try:
            while not pool.submit(servicer.over).result():
                time.sleep(TICK)
        finally:
            server.stop(grace=TICK).wait()
    if oracle.failure:
        raise RunFailed(oracle.failure)


class WatchfulServicer(OracleServicer):
    """KerasTuner's servicer, which also records when each worker last called.

    Args:
        oracle: `SearchOracle`, the trials of the search.
        worker_timeout: float, seconds of silence after which a worker counts as dead.
        wait: float, seconds without any living worker after which the chief gives up.
        clock: function that returns the time in seconds. Default: `time.monotonic`.
    """

    def __init__(
        self,
        oracle: SearchOracle,
        worker_timeout: float,
        wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(oracle)
        self.worker_timeout = worker_timeout
        self.wait = wait
        self.clock = clock
        self._last_calls = {}  # worker -> time of its last call
        self._worker_of = {}  # trial -> the last worker that got it
        self._last_alive = clock()  # the last time at which any worker was alive

    def CreateTrial(self, request, context):
        response = super().CreateTrial(request, context)
        if request.tuner_id in self.oracle.tuner_ids:
            self._last_calls[request.tuner_id] = self.clock()
            self._worker_of[response.trial.trial_id] = request.tuner_id
        else:  # The oracle told the worker to stop.
            self._last_calls.pop(request.tuner_id, None)
        return response

    def GetTrial(self, request, context):
        self._hear(request.trial_id)
        return super().GetTrial(request, context)

    def UpdateTrial(self, request, context):
        self._hear(request.trial_id)
        return super().UpdateTrial(request, context)

    def EndTrial(self, request, context):
        self._hear(request.trial.trial_id)
        response = super().EndTrial(request, context)
        self.report(request.trial.trial_id)
        return response

    def report(self, trial_id: str) -> None:
        """Print how a trial ended and how many trials are done and running."""
        oracle = self.oracle
        trial = oracle.trials[trial_id]
        score = "" if trial.score is None else f", {trial.score:.2%}"
        print(
            f"search: trial {trial_id} {trial.status.lower()}{score}; "
            f"{len(oracle.end_order)} done, {len(oracle.ongoing_trials)} running",
            flush=True,
        )

    def over(self) -> bool:
        """Take back the trials of dead workers, and return whether the search has ended.

        Raises:
            RunFailed: if there was no living worker for `wait` seconds.
        """
        now = self.clock()
        silent = [w for w, last in self._last_calls.items() if now - last > self.worker_timeout]
        for worker in silent:
            self._lose(worker)
        if self._last_calls:
            self._last_alive = now
        if (self.oracle.finished() or self.oracle.failure) and not self._last_calls:
            return True
        if now - self._last_alive > self.wait:
            raise RunFailed(
                f"the chief heard of no worker for {self.wait} s; "
                f"{len(self.oracle.end_order)} trials are done. The same command with --resume "
                "continues the search"
            )
        return False

    def _hear(self, trial_id):
        # The worker may have its trial from an earlier chief, and then its name is not known here.
        self._last_alive = self.clock()
        if trial_id in self._worker_of:
            self._last_calls[self._worker_of[trial_id]] = self.clock()

    def _lose(self, worker):
        del self._last_calls[worker]
        self.oracle.tuner_ids.discard(worker)
        trial = self.oracle.ongoing_trials.get(worker)
        if trial is None:
            print(f"search: {worker} was silent for {self.worker_timeout} s", flush=True)
            return
        reason = f"{worker} was silent for {self.worker_timeout} s"
        print(f"search: {reason}; its trial {trial.trial_id} is taken back", flush=True)
        self.oracle.lose_trial(trial, reason)
        self.report(trial.trial_id)
