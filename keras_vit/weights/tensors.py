"""The tensors of a checkpoint file by name, read one at a time; nothing is unpickled."""

import re
import zipfile

import numpy as np


class Tensors:
    """A file's tensors.

    Args:
        path: of the file, for messages.
        names: of the tensors in the file.
        read: gives an array for such a name.

    Attributes:
        names: the names by which tensors are asked for, as a set.
    """

    def __init__(self, path, names, read):
        self.path = path
        self._read = read
        # Each name's place: what the file calls it and, in a stack, its index.
        self._places = {name: (name, None) for name in names}
        self._stacks = {}

    @property
    def names(self):
        return self._places.keys()

    def __contains__(self, name):
        return name in self._places

    def original(self, name):
        """What the file calls a tensor; for one of a stack with its index behind it."""
        original, index = self._places.get(name, (name, None))
        return original if index is None else f"{original}[{index}]"

    def read(self, name):
        """A tensor as a float32 array; a ValueError where its bytes are damaged."""
        original, index = self._places[name]
        if index is None:
            return self._checked(original)
        if original not in self._stacks:
            self._stacks[original] = self._checked(original)
        return self._stacks[original][index]

    def shape(self, name, rank):
        """A tensor's shape; a ValueError where it has not that many axes."""
        shape = self.read(name).shape
        if len(shape) != rank:
            raise ValueError(
                f"{self.path}: wrong shape: {self.original(name)} {shape}: {rank} axes are due"
            )
        return shape

    def _checked(self, original):
        try:
            return as_float32(self._read(original))
        # zipfile, zlib, numpy and safetensors raise a dozen kinds of error on damaged bytes.
        except Exception as error:
            raise ValueError(f"{self.path}: can't read {original!r}: {error}") from error

    def rename(self, *replacements):
        """Gives tensors other names: pairs of a regular expression and what replaces it."""
        renamed = {}
        for name, place in self._places.items():
            for pattern, replacement in replacements:
                name = re.sub(pattern, replacement, name)
            renamed[name] = place
        self._places = renamed

    def unstack(self, prefix, replacement):
        """Takes stacks of all blocks' tensors apart: `prefix` becomes `replacement` with {i}."""
        for name in [name for name in self.names if name.startswith(prefix)]:
            original, _ = self._places.pop(name)
            for i in range(len(self._checked(original))):
                one = replacement.format(i=i) + name.removeprefix(prefix)
                self._places[one] = (original, i)


def open_tensors(path):
    """The tensors of a `.npz`, a `.safetensors` or a PyTorch file, told apart by their bytes.

    Args:
        path: a `pathlib.Path` of a file.

    Raises:
        ValueError: naming a file that is none of these, is damaged, or holds code.
    """
    with open(path, "rb") as file:
        start = file.read(9)
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.namelist()
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path}: a damaged .npz or PyTorch file: {error}") from error
        if any(member.endswith("data.pkl") for member in members):
            return open_torch(path)
        return open_npz(path)
    if start[8:] == b"{":
        return open_safetensors(path)
    if start[:2] == b"PK":
        raise ValueError(f"{path}: a truncated .npz or PyTorch file")
    if start[:1] == b"\x80" and path.suffix != ".npz":
        return open_torch(path)
    raise ValueError(
        f"{path}: not a checkpoint: a .npz, a .safetensors or a PyTorch file is expected"
    )


def open_npz(path):
    def read(name):
        with np.load(path, allow_pickle=False) as archive:
            return archive[name]

    with np.load(path, allow_pickle=False) as archive:
        return Tensors(path, archive.files, read)


def open_safetensors(path):
    import ml_dtypes  # noqa: F401  by it numpy, and so safetensors, knows bfloat16
    from safetensors import SafetensorError, safe_open

    def read(name):
        # Opened for each tensor: a file that stays open stays in memory, page by page.
        with safe_open(path, "numpy") as file:
            return file.get_tensor(name)

    try:
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
    except SafetensorError as error:
        raise ValueError(f"{path}: not a .safetensors file, or a damaged one: {error}") from error
    return Tensors(path, names, read)


def open_torch(path):
    try:
        from keras_vit.backend.tensors_torch import state_dict
    except ImportError as error:
        raise ValueError(f"{path}: a PyTorch file, which needs torch: pip install torch") from error
    tensors = state_dict(path)
    return Tensors(path, tensors, tensors.__getitem__)


def as_float32(array):
    if array.dtype == "V2":  # bfloat16, as numpy writes what it has no type for
        array = (array.view("uint16").astype("uint32") << 16).view("float32")
    if array.dtype.kind not in "fV" or array.dtype.itemsize > 8:
        raise ValueError(f"its type is {array.dtype}, not a float")
    return array.astype("float32", copy=False)
