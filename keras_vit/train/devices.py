"""The devices of a training: copies of the model and processes."""

from collections.abc import Sequence
from typing import NamedTuple


class Devices(NamedTuple):
    """The devices that a training runs on, and the place of this process among them.

    Args:
        replicas: int, number of copies of the model, into which each batch is split. Default: 1.
        processes: int, number of processes, one on each host. Default: 1.
        process: int, number of this process, from 0. Default: 0.
    """

    replicas: int = 1
    processes: int = 1
    process: int = 0

    def check_batch_size(self, batch_size: int) -> None:
        """Raise a ValueError if a batch can't be split evenly over the copies of the model."""
        if batch_size % self.replicas:
            raise ValueError(
                f"the batch size must be a multiple of {self.replicas}, the number of devices that "
                f"share a batch. Received: batch_size={batch_size}"
            )

    def own_part(self, rows: Sequence) -> Sequence:
        """Return the part of a batch's rows that belongs to this process."""
        part = len(rows) // self.processes
        return rows[self.process * part : (self.process + 1) * part]


ONE_DEVICE = Devices()
