"""Which part of a search this process plays: all of it, the chief's or a worker's."""

import os
from typing import NamedTuple

VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


class Role(NamedTuple):
    """A process's part, as KerasTuner's variables give it.

    Attributes:
        name: "alone", "chief" or "worker".
        tuner_id: of this process.
        address: "IP:PORT" of the chief; None alone.
    """

    name: str
    tuner_id: str
    address: str | None


def role_of_this_process():
    """The `Role` that the environment gives; a ValueError where it says only half of it."""
    values = {name: os.environ.get(name) for name in VARIABLES}
    if not values["KERASTUNER_ORACLE_IP"]:
        return Role("alone", values["KERASTUNER_TUNER_ID"] or "tuner0", None)
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ValueError(f"KERASTUNER_ORACLE_IP is set, so {' and '.join(missing)} must be, too")
    port = values["KERASTUNER_ORACLE_PORT"]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"KERASTUNER_ORACLE_PORT must be 1 to 65535, not {port!r}")
    tuner_id = values["KERASTUNER_TUNER_ID"]
    name = "chief" if "chief" in tuner_id else "worker"
    return Role(name, tuner_id, f"{values['KERASTUNER_ORACLE_IP']}:{port}")
