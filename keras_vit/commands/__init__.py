"""The command `keras-vit`: one module for each of its commands, with that command's parser."""

from keras_vit.commands.door import main, parser_for

__all__ = ["main", "parser_for"]
