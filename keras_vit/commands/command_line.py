from keras_vit.commands import export, inspect, predict, serve, summary
from keras_vit.training.command_line import OneLineParser

COMMANDS = (predict, inspect, export, summary, serve)


def main(arguments=None):
    """Runs `python -m keras_vit`; bad input ends in one line on stderr and exit status 2.

    Args:
        arguments: list of str; None takes the process's own.
    """
    parser = OneLineParser(
        prog="python -m keras_vit",
        description="Use and look into a trained image classifier.",
        epilog="python -m keras_vit COMMAND --help tells more.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        own = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        own.add_argument(
            "model",
            metavar="MODEL",
            help="a .keras file, a run's folder, or a published checkpoint (Google's .npz; timm's "
            "or Hugging Face's .safetensors, or its folder)",
        )
        command.add_arguments(own)
        own.set_defaults(run=command.run, own=own)
    flags = parser.parse_args(arguments)
    try:
        flags.run(flags)
    except (ValueError, OSError, MemoryError) as error:
        flags.own.error(" ".join((str(error) or "there is not enough memory").split()))
    except KeyboardInterrupt:
        flags.own.exit(130, f"\n{flags.own.prog}: interrupted\n")
