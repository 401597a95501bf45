"""search depth, heads, widths and training within budgets, by KerasTuner"""

import argparse
import sys
from collections.abc import Sequence

from keras_vit.commands.parser import (
    OneLineParser,
    add_data_flags,
    add_run_flags,
    natural,
    positive,
)
from keras_vit.runs.preset import Preset
from keras_vit.runs.preset_file import read_preset
from keras_vit.runs.run import RunFailed
from keras_vit.runs.termination import Terminated


def main(
    base: Preset,
    doc: str,
    words: Sequence[str] | None = None,
    command: Sequence[str] = ("python", "recipes/search.py"),
) -> None:
    """Run a search from the command line; bad input ends in one line and exit status 2.

    Args:
        base: the `Preset` that the search begins with; what is not searched stays as it is.
        doc: str, the recipe's docstring, for `--help`.
        words: list of str, the words behind the command. Default: None, the process's own.
        command: list of str, the command itself. Default: the recipe's file.
    """
    from keras_vit.tuning.search import FOLDER, run_search  # needs KerasTuner
    from keras_vit.tuning.spec import SearchSpec

    words = sys.argv[1:] if words is None else list(words)
    parser = search_parser(doc, "search.py" if command[0] == "python" else " ".join(command))
    flags = parser.parse_args(words)
    try:
        base = read_preset(flags.config) if flags.config else base
        spec = SearchSpec.from_flags(flags, [*command, *words], base)
        run_search(
            spec,
            flags.out or FOLDER,
            flags.resume,
            flags.overwrite,
            flags.worker_timeout,
            flags.wait,
        )
    except (RunFailed, ValueError) as error:
        parser.error(error)
    except Terminated as end:
        parser.exit(143, f"\n{parser.prog}: {end}; the same command with --resume goes on\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: interrupted; the same command with --resume goes on\n")


def search_parser(doc: str, prog: str) -> OneLineParser:
    """Make the parser of the search's command line."""
    from keras_vit.tuning.search import FOLDER  # needs KerasTuner
    from keras_vit.tuning.spec import DEFAULTS
    from keras_vit.tuning.tuner import TUNERS

    parser = OneLineParser(
        prog=prog, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tuner", choices=TUNERS, help=f"default: {DEFAULTS['tuner']}")
    parser.add_argument(
        "--trials",
        type=positive,
        help=f"for random and bayesian; default: {DEFAULTS['trials']}",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        help=f"of a trial, for hyperband the most; default: {DEFAULTS['epochs']}",
    )
    parser.add_argument(
        "--max-parameters", type=positive, metavar="N", help="no model has more; default: no limit"
    )
    parser.add_argument(
        "--max-flops",
        type=positive,
        metavar="N",
        help="no model takes more operations for an image, forward; default: no limit",
    )
    parser.add_argument(
        "--retrain-epochs",
        type=natural,
        metavar="N",
        help="of the winner, on all training images but the validation ones; 0: don't; default: "
        "the preset's",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="a preset to begin with instead of the recipe's, JSON"
    )
    add_data_flags(parser, DEFAULTS["data"])
    parser.add_argument("--batch-size", type=positive, help="instead of the preset's")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="train each trial on N images; not the winner"
    )
    parser.add_argument(
        "--validation-images",
        type=positive,
        metavar="N",
        help="of the training images, to compare the trials on; default: a tenth",
    )
    add_run_flags(parser, FOLDER)
    parser.add_argument(
        "--worker-timeout",
        type=positive,
        default=60,
        metavar="SECONDS",
        help="a worker silent for so long counts as dead; default: %(default)s",
    )
    parser.add_argument(
        "--wait",
        type=positive,
        default=600,
        metavar="SECONDS",
        help="chief and workers wait so long for one another; default: %(default)s",
    )
    return parser
