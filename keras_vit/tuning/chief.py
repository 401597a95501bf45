"""The chief of a search with many workers: hands out trials until all are accounted for."""

import time
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from keras_vit.runs.run import RunFailed

TICK = 0.5  # seconds between two looks at the workers


def lead(oracle, address, worker_timeout, wait):
    """Serves an oracle's trials over gRPC until none is left and every worker knows.

    KerasTuner's own servicer answers; its loop never ends once a worker was killed, which is why
    this one stands in its place. A worker that is silent for `worker_timeout` counts as dead: its
    trial is given to the next one that asks, once.

    Args:
        oracle: a `SearchOracle`.
        address: "IP:PORT" to listen at.
        worker_timeout: seconds; workers call every fifth of it.
        wait: seconds without any living worker after which the chief gives up.

    Raises:
        RunFailed: where the address can't be had, no worker came or was left, or the trials
            failed; what was done is kept, and can be gone on with.
    """
    # One thread for everything that touches the oracle: KerasTuner's locks outlive an exception.
    with futures.ThreadPoolExecutor(max_workers=1) as pool:
        server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        servicer = WatchfulServicer(oracle, worker_timeout, wait)
        protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise RunFailed(f"the chief can't listen at {address}: {error}") from error
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
    """KerasTuner's servicer, which also notes when it last heard of each worker.

    Args:
        oracle: a `SearchOracle`.
        worker_timeout: see `lead`.
        wait: see `lead`.
        clock: gives the time in seconds.
    """

    def __init__(self, oracle, worker_timeout, wait, clock=time.monotonic):
        super().__init__(oracle)
        self.worker_timeout = worker_timeout
        self.wait = wait
        self.clock = clock
        self._heard = {}  # worker -> when
        self._worker_of = {}  # trial -> the last worker that was given it
        self._somebody = clock()  # when there last was a living worker

    def CreateTrial(self, request, context):
        response = super().CreateTrial(request, context)
        if request.tuner_id in self.oracle.tuner_ids:
            self._heard[request.tuner_id] = self.clock()
            self._worker_of[response.trial.trial_id] = request.tuner_id
        else:  # told to stop
            self._heard.pop(request.tuner_id, None)
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

    def report(self, trial_id):
        oracle = self.oracle
        trial = oracle.trials[trial_id]
        score = "" if trial.score is None else f", {trial.score:.2%}"
        print(
            f"search: trial {trial_id} {trial.status.lower()}{score}; "
            f"{len(oracle.end_order)} done, {len(oracle.ongoing_trials)} running",
            flush=True,
        )

    def over(self):
        """Whether the search has ended; takes back what dead workers had on the way."""
        now = self.clock()
        for worker in [w for w, heard in self._heard.items() if now - heard > self.worker_timeout]:
            self._lose(worker)
        if self._heard:
            self._somebody = now
        if (self.oracle.finished() or self.oracle.failure) and not self._heard:
            return True
        if now - self._somebody > self.wait:
            raise RunFailed(
                f"no worker for {self.wait} s, {len(self.oracle.end_order)} trials are done: the "
                "same command with --resume goes on"
            )
        return False

    def _hear(self, trial_id):
        self._somebody = self.clock()  # also one that a chief before this one gave its trial
        if trial_id in self._worker_of:
            self._heard[self._worker_of[trial_id]] = self.clock()

    def _lose(self, worker):
        del self._heard[worker]
        self.oracle.tuner_ids.discard(worker)
        trial = self.oracle.ongoing_trials.get(worker)
        if trial is None:
            print(f"search: nothing heard of {worker} for {self.worker_timeout} s", flush=True)
            return
        reason = f"{worker} was silent for {self.worker_timeout} s"
        print(f"search: {reason}; its trial {trial.trial_id} is taken back", flush=True)
        self.oracle.lose_trial(trial, reason)
        self.report(trial.trial_id)
