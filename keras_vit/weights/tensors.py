"""Reading of the named tensors of a checkpoint file, one at a time and without unpickling."""

import copy
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, KeysView, Sequence
from pathlib import Path

import numpy as np

# What wrappers of PyTorch models put in front of every name: torch.compile, DataParallel,
# Lightning, and classes that keep the model in an attribute. No library's own names begin so.
WRAPPERS = ("_orig_mod.", "module.", "model.", "backbone.", "net.")
# These are attributes too, and the beginnings of other libraries' own names.
ATTRIBUTES = ("encoder.", "vit.")


class AveragedWeightsWarning(UserWarning):
    """The warning that a file holds averaged weights, which are read, beside others."""


class Tensors:
    """The tensors of a checkpoint file by their names.

    A reader of a format renames them, so that all files of the format have the same names.

    Args:
        path: Path, the file, for messages.
        names: iterable of str, names of the tensors in the file.
        read: callable that returns the array of such a name.
    """

    def __init__(self, path: Path, names: Iterable[str], read: Callable[[str], np.ndarray]) -> None:
        self.path = path
        self._read = read
        # From each name to the name in the file and, for a part of a stack, the index in it.
        self._locations = {name: (name, None) for name in names}
        self._stacks = {}

    @property
    def names(self) -> KeysView[str]:
        """The present names of all tensors, a set-like view."""
        return self._locations.keys()

    def __contains__(self, name: str) -> bool:
        return name in self._locations

    def name_in_file(self, name: str) -> str:
        """Return the name that a tensor has in the file.

        Args:
            name: str, the present name of the tensor.

        Returns:
            The name in the file; a part of a stack has its index added, such as `kernel[3]`.
        """
        original, index = self._locations.get(name, (name, None))
        return original if index is None else f"{original}[{index}]"

    def read(self, name: str) -> np.ndarray:
        """Read a tensor.

        Args:
            name: str, the present name of the tensor.

        Returns:
            A float32 array.

        Raises:
            ValueError: If the bytes of the tensor are damaged or are not floats.
        """
        original, index = self._locations[name]
        if index is None:
            return self._read_float32(original)
        if original not in self._stacks:
            self._stacks[original] = self._read_float32(original)
        return self._stacks[original][index]

    def shape(self, name: str, rank: int) -> tuple[int, ...]:
        """Return the shape of a tensor.

        Args:
            name: str, the present name of the tensor.
            rank: int, number of axes that the tensor must have.

        Returns:
            A tuple of `rank` ints.

        Raises:
            ValueError: If the tensor has another number of axes.
        """
        shape = self.read(name).shape
        if len(shape) != rank:
            raise ValueError(
                f"{self.path}: the tensor {self.name_in_file(name)} must have {rank} axes. "
                f"Received: shape {shape}"
            )
        return shape

    def _read_float32(self, original):
        try:
            return as_float32(self._read(original))
        # zipfile, zlib, numpy and safetensors raise a dozen types of errors on damaged bytes.
        except Exception as error:
            raise ValueError(
                f"{self.path}: the tensor {original!r} can't be read: {error}"
            ) from error

    def rename(self, *replacements: tuple[str, str | Callable]) -> None:
        """Change the names of tensors.

        Args:
            *replacements: pairs of a regular expression and its replacement, as for `re.sub`,
                applied to every name in this order.
        """
        renamed = {}
        for name, location in self._locations.items():
            for pattern, replacement in replacements:
                name = re.sub(pattern, replacement, name)
            renamed[name] = location
        self._locations = renamed

    def without_prefix(self, prefixes: Sequence[str]) -> "Tensors | None":
        """Return the same tensors without one of several prefixes, or None if they have none.

        Other tensors, such as those of a head beside the wrapped body, keep their names.
        """
        for prefix in prefixes:
            if any(name.startswith(prefix) for name in self.names):
                other = copy.copy(self)
                other._locations = {
                    name.removeprefix(prefix): place for name, place in self._locations.items()
                }
                # Two tensors of one name would be one of them in silence.
                return other if len(other._locations) == len(self._locations) else None
        return None

    def unstack(self, prefix: str, replacement: str) -> None:
        """Split tensors that stack the weights of all blocks into one tensor for each block.

        Args:
            prefix: str, the beginning of the names of all stacked tensors.
            replacement: str with `{i}` for the index of a block, what replaces `prefix`.
        """
        for name in [name for name in self.names if name.startswith(prefix)]:
            original, _ = self._locations.pop(name)
            for i in range(len(self._read_float32(original))):
                one = replacement.format(i=i) + name.removeprefix(prefix)
                self._locations[one] = (original, i)


def open_tensors(path: Path) -> Tensors:
    """Open a `.npz`, a `.safetensors` or a PyTorch file.

    The first bytes of the file decide its format; its suffix only tells a pickle called `.npz`
    from a PyTorch file.

    Args:
        path: Path, the file.

    Returns:
        The `Tensors` of the file.

    Raises:
        ValueError: If the file has none of these formats, is damaged, or holds code; or if it is
            a PyTorch file and PyTorch is not installed.
    """
    with open(path, "rb") as file:
        start = file.read(9)
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.namelist()
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path}: this .npz or PyTorch file is damaged: {error}") from error
        if any(member.endswith("data.pkl") for member in members):
            return open_torch(path)
        return open_npz(path)
    if start[8:] == b"{":
        return open_safetensors(path)
    if start[:2] == b"PK":
        raise ValueError(f"{path}: this .npz or PyTorch file is truncated")
    if start[:1] == b"\x80" and path.suffix != ".npz":
        return open_torch(path)
    raise ValueError(
        f"{path}: this file is not a checkpoint, which must be a .npz, a .safetensors or a PyTorch "
        f"file. Received: a file that begins with the bytes {start!r}"
    )


def open_npz(path):
    def read(name):
        with np.load(path, allow_pickle=False) as archive:
            return archive[name]

    with np.load(path, allow_pickle=False) as archive:
        return Tensors(path, archive.files, read)


def open_safetensors(path):
    # This import teaches numpy, and so safetensors, the type bfloat16.
    import ml_dtypes  # noqa: F401
    from safetensors import SafetensorError, safe_open

    def read(name):
        # The file is opened for each tensor, because the pages of an open file stay in memory.
        with safe_open(path, "numpy") as file:
            return file.get_tensor(name)

    try:
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
    except SafetensorError as error:
        raise ValueError(
            f"{path}: this file is not a .safetensors file, or it is damaged: {error}"
        ) from error
    return Tensors(path, names, read)


def open_torch(path):
    try:
        from keras_vit.backend.tensors_torch import state_dict
    except ImportError as error:
        raise ValueError(
            f"{path}: this is a PyTorch file, and PyTorch is not installed: pip install torch"
        ) from error
    tensors, beside = state_dict(path)
    if beside:
        warnings.warn(
            f"{path}: the averaged weights in {beside[0]!r} are read, and not those in "
            f"{beside[1]!r}",
            AveragedWeightsWarning,
            stacklevel=4,
        )
    return Tensors(path, tensors, tensors.__getitem__)


def as_float32(array):
    if array.dtype == "V2":  # numpy has no bfloat16, and writes such values as two raw bytes
        array = (array.view("uint16").astype("uint32") << 16).view("float32")
    if array.dtype.kind not in "fV" or array.dtype.itemsize > 8:
        raise ValueError(f"its values must be floats of at most 64 bits. Received: {array.dtype}")
    return array.astype("float32", copy=False)
