"""Reading of the tensors of a PyTorch file without running code from the file."""

import argparse
import re
from pathlib import Path

import numpy as np
import torch

# The entries of a training checkpoint that may hold the weights, and which of them are averages
# over the steps. Of several the first is read; timm too prefers the averages.
AVERAGES = ("state_dict_ema", "model_ema", "ema_state_dict", "ema", "teacher")
WRAPPERS = (
    *AVERAGES,
    *("model", "state_dict", "model_state_dict", "model_state", "net", "network", "student"),
)


def state_dict(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Read the tensors that `torch.save` wrote.

    Args:
        path: Path, the file. Of a training checkpoint, the function reads the weights, and their
            average over the steps where there is one.

    Returns:
        A dict from the names of the tensors to float32 arrays, and a list: empty, or where averaged
        weights are read and the file also holds others, the names of the two entries.

    Raises:
        ValueError: If the file is damaged, holds code, or holds no state dict.
    """
    try:
        # Training scripts save their command line beside the weights; it is data without code.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    # Damaged files and forbidden classes raise many types of errors.
    except Exception as error:
        raise ValueError(
            f"{path}: PyTorch can't read this file as weights, and ran no code from it: "
            f"{first_line(error)}"
        ) from error
    content, beside = unwrapped(content)
    if not is_state_dict(content):
        raise ValueError(
            f"{path}: the PyTorch file must hold a state dict, which is a dict of tensors, or a "
            f"dict with one of the entries {', '.join(WRAPPERS)}. Received: {described(content)}"
        )
    arrays = {name: tensor.detach().float().numpy() for name, tensor in content.items()}
    return arrays, beside


def unwrapped(content):
    """Return the dict of tensors inside the dicts that training scripts put around it.

    The second value is the list that `state_dict` returns.
    """
    beside = []
    while isinstance(content, dict) and not is_state_dict(content):
        found = [key for key in WRAPPERS if isinstance(content.get(key), dict)]
        if not found:
            break
        if found[0] in AVERAGES and len(found) > 1:
            beside = found[:2]
        content = content[found[0]]
    return content, beside


def is_state_dict(content) -> bool:
    """Return whether an object is a dict of tensors."""
    tensors = isinstance(content, dict) and map(torch.is_tensor, content.values())
    return bool(content) and bool(tensors) and all(tensors)


def described(content) -> str:
    """Return what an object from a file is, in a few words."""
    if not isinstance(content, dict):
        return type(content).__name__
    kinds = [f"{key} ({type(value).__name__})" for key, value in list(content.items())[:10]]
    return f"a dict with the entries {', '.join(map(str, kinds)) or 'none'}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, without the codes that colour a terminal."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    return text.splitlines()[0] if text else type(error).__name__
