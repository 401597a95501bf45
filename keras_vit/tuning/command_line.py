"""The command line of a search."""

import argparse
import sys

from keras_vit.training.command_line import (
    OneLineParser,
    add_data_flags,
    add_run_flags,
    natural,
    positive,
)
from keras_vit.training.config_file import read_preset
from keras_vit.training.run import RunFailed
from keras_vit.training.termination import Terminated
from keras_vit.tuning.search import DEFAULTS, FOLDER, run_search
from keras_vit.tuning.tuner import TUNERS


def main(base, doc, arguments=None):
    """Runs a search from the command line; bad input ends in one line and exit status 2.

    Args:
        base: a `Preset`: what the search begins with, and what it leaves as it is.
        doc: the recipe's docstring, for `--help`.
        arguments: list of str; None takes the process's own.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = search_parser(doc)
    flags = parser.parse_args(arguments)
    try:
        run_search(flags, arguments, read_preset(flags.config) if flags.config else base)
    except (RunFailed, ValueError) as error:
        parser.error(" ".join(str(error).split()))
    except Terminated as end:
        parser.exit(143, f"\n{parser.prog}: {end}; the same command with --resume goes on\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: interrupted; the same command with --resume goes on\n")


def search_parser(doc):
    parser = OneLineParser(
        prog="search.py", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
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
