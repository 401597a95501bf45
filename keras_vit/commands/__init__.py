"""`python -m keras_vit`: a sub-command a file, each with `add_arguments` and `run`."""

from keras_vit.commands.command_line import main

__all__ = ["main"]
