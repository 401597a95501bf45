"""The trials of a search as rows of a table, in a CSV file and on the screen."""

import csv
import os
from collections.abc import Iterable

from keras_tuner.engine.trial import Trial

from keras_vit.files import whole_file

RESULTS = ("trial", "status", "val_accuracy", "parameters", "flops", "seconds")


def trial_rows(trials: Iterable[Trial]) -> list[dict]:
    """Make one row for each trial, the best trial first and trials without a result last.

    Args:
        trials: iterable of KerasTuner's `Trial`.

    Returns:
        List of dicts with the keys `trial`, `status`, `val_accuracy` (in [0, 1]; None without a
        result), `parameters`, `flops` (of the forward pass on one image), `seconds`, and each
        hyperparameter with the value that the trial's model was built with.
    """
    rows = []
    for trial in trials:
        done = trial.status == "COMPLETED"
        rows.append(
            {
                "trial": trial.trial_id,
                "status": trial.status,
                "val_accuracy": float(trial.score) if done else None,
                "parameters": measured(trial, "parameters"),
                "flops": measured(trial, "flops"),
                "seconds": measured(trial, "seconds"),
                **trial.hyperparameters.values,
            }
        )
    return sorted(rows, key=lambda row: -1 if row["val_accuracy"] is None else row["val_accuracy"])[
        ::-1
    ]


def measured(trial: Trial, name: str) -> int | None:
    """Return a metric of a trial as a whole number, or None where the trial has no such metric."""
    return round(trial.metrics.get_best_value(name)) if trial.metrics.exists(name) else None


def write_table(path: str | os.PathLike, rows: list[dict]) -> None:
    """Write the rows as a CSV file, whole or not at all."""
    columns = dict.fromkeys(key for row in rows for key in row)
    with whole_file(path) as draft, open(draft, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def print_table(rows: list[dict], most: int = 10) -> None:
    """Print the best trials, and how many trials completed and failed.

    Args:
        rows: list of dicts, as `trial_rows` gives them.
        most: int, number of trials to print. Default: 10.
    """
    names = [name for name in rows[0] if name not in RESULTS and "/" not in name]
    print(f"{'trial':>6} {'accuracy':>8} {'parameters':>10} {'MFLOPs':>7}  " + " ".join(names))
    for row in rows[:most]:
        if row["val_accuracy"] is None:
            break
        values = " ".join(format_value(row.get(name)).rjust(len(name)) for name in names)
        print(
            f"{row['trial']:>6} {row['val_accuracy']:>8.2%} {row['parameters']:>10,} "
            f"{row['flops'] / 1e6:>7.1f}  {values}"
        )
    counts = {
        status: sum(r["status"] == status for r in rows) for status in ("COMPLETED", "FAILED")
    }
    print(
        f"{counts['COMPLETED']} trials completed, {counts['FAILED']} failed or lost, of {len(rows)}"
    )


def format_value(value) -> str:
    """Write a hyperparameter's value, a float with two digits."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
