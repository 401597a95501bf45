from typing import NamedTuple


class Devices(NamedTuple):
    """What a training runs on, and this process's place in it.

    Attributes:
        replicas: parts that a batch is split into, one a copy of the model.
        processes: one a host.
        process: this one's number, from 0.
    """

    replicas: int = 1
    processes: int = 1
    process: int = 0

    def check_batch_size(self, batch_size):
        """A ValueError for a batch that the replicas do not divide."""
        if batch_size % self.replicas:
            raise ValueError(
                f"a batch of {batch_size} images can't be split evenly over {self.replicas} "
                f"devices: its size must be a multiple of {self.replicas}"
            )

    def own_part(self, rows):
        """This process's part of the rows of a batch for all."""
        part = len(rows) // self.processes
        return rows[self.process * part : (self.process + 1) * part]


ONE_DEVICE = Devices()
