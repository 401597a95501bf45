"""The role of this process in a search: it searches alone, or it is the chief or a worker."""

import os
from typing import NamedTuple

VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


class Role(NamedTuple):
    """The role of a process, as KerasTuner's environment variables give it.

    Attributes:
        name: str, "alone", "chief" or "worker".
        tuner_id: str, KerasTuner's name for this process.
        address: str or None, "IP:PORT" of the chief; None where the process searches alone.
    """

    name: str
    tuner_id: str
    address: str | None


def role_of_this_process() -> Role:
    """Read the `Role` of this process from KerasTuner's environment variables.

    Raises:
        ValueError: if only some of the variables are set, or the port is not a port.
    """
    values = {name: os.environ.get(name) for name in VARIABLES}
    if not values["KERASTUNER_ORACLE_IP"]:
        return Role("alone", values["KERASTUNER_TUNER_ID"] or "tuner0", None)
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ValueError(
            f"with KERASTUNER_ORACLE_IP, {' and '.join(missing)} must be set too. "
            f"Received: KERASTUNER_ORACLE_IP={values['KERASTUNER_ORACLE_IP']}"
        )
    port = values["KERASTUNER_ORACLE_PORT"]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(
            f"KERASTUNER_ORACLE_PORT must be an int from 1 to 65535. Received: {port!r}"
        )
    tuner_id = values["KERASTUNER_TUNER_ID"]
    name = "chief" if "chief" in tuner_id else "worker"
    return Role(name, tuner_id, f"{values['KERASTUNER_ORACLE_IP']}:{port}")
