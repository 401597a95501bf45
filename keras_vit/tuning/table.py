"""The trials of a search as rows, in a file and on the screen."""

import csv

from keras_vit.files import whole_file

RESULTS = ("trial", "status", "val_accuracy", "parameters", "flops", "seconds")


def trial_rows(trials):
    """A dict a trial, the best first and those without a result last.

    Args:
        trials: KerasTuner's `Trial`s.

    Returns:
        List of dicts: `trial`, `status`, `val_accuracy` (a fraction, None without a result),
        `parameters`, `flops` (forward, one image), `seconds`, and every hyperparameter as it was
        built.
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


def measured(trial, name):
    """A whole number that a trial measured; None where it did not."""
    return round(trial.metrics.get_best_value(name)) if trial.metrics.exists(name) else None


def write_table(path, rows):
    """Writes the rows as CSV, whole or not at all."""
    columns = dict.fromkeys(key for row in rows for key in row)
    with whole_file(path) as draft, open(draft, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def print_table(rows, most=10):
    """Prints the best trials, and how many there are of each status."""
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


def format_value(value):
    return f"{value:.2g}" if isinstance(value, float) else str(value)
