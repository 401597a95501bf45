"""serve a page on this machine that shows a picture's classes and what the model attends to"""

import argparse
import importlib.util

from keras_vit.commands.page import serve
from keras_vit.commands.parser import whole_number
from keras_vit.inspection.classifier import Classifier
from keras_vit.weights.model_file import load_model, model_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=port, default=7860, help="port to listen on (default: %(default)s)"
    )


def port(text: str) -> int:
    """Parse the number of a port."""
    return whole_number(text, 1, 65535)


def run(flags: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        ValueError: if gradio is missing, the model takes no pictures, or the host is IPv6.
        OSError: if the port cannot be listened on.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ValueError(
            "the page needs gradio, which is not installed: pip install gradio, or this package "
            "with its extra app"
        )
    classifier = Classifier(load_model(flags.model))
    if classifier.image_shape[2] not in (1, 3):
        raise ValueError(
            "the page needs a model that takes pictures with 1 or 3 channels. "
            f"Received: a model that takes {classifier.image_shape[2]} channels"
        )
    check_free(flags.host, flags.port)
    page = serve(classifier, model_name(flags.model), flags.host, flags.port)
    print(f"http://{flags.host}:{flags.port} until Ctrl-C", flush=True)
    page.block_thread()


def check_free(host: str, port: int) -> None:
    """Check that the page can listen on a port.

    Args:
        host: str, name or IPv4 address to listen on.
        port: int, port to listen on.

    Raises:
        ValueError: if the host is an IPv6 address.
        OSError: if the port cannot be listened on.
    """
    import socket

    if ":" in host:
        raise ValueError(f"--host {host}: give a name or an IPv4 address, as Gradio takes no IPv6")
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"can't listen on port {port} of {host} ({reason}): give another --port or --host"
        ) from error
