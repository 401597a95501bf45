"""The parameters and operations of a ViT, computed from its arguments without building it."""

import inspect
import itertools
from collections.abc import Iterator

from keras_vit.layers.patches import pair, patch_grid
from keras_vit.models import ViT
from keras_vit.models.encoder import has_class_token

DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(ViT.__init__).parameters.items()
    if parameter.default is not inspect.Parameter.empty
}


def parameter_count(**arguments) -> int:
    """Compute the number of parameters of a `ViT`, as `ViT(**arguments).count_params()` gives it.

    Args:
        **arguments: arguments of `ViT`; an argument that is left out has its default.

    Returns:
        int, the number of parameters: kernels, biases, norms and tables of positions.
    """
    a = {**DEFAULTS, **arguments}
    sizes = Sizes(a)
    width, heads, mlp = a["hidden_dim"], a["num_heads"], a["mlp_dim"]
    embedding = sum(
        kernel + (2 * outputs if a["patch_embedding"] == "stem" else outputs)  # norm or bias
        for kernel, outputs, _ in sizes.embedding
    )
    tokens = sizes.prefix + (sizes.class_token + sizes.patches) * (a["positions"] == "learned")
    block = 4 * width + 4 * width * (width + 1) + 2 * width * mlp + mlp + width
    if a["qk_norm"]:
        block += 4 * (width // heads)
    if a["layer_scale"] is not None:
        block += 2 * width
    if a["relative_positions"] == "bias":
        offsets = (2 * sizes.grid[0] - 1) * (2 * sizes.grid[1] - 1)
        block += heads * (offsets + 3 * bool(sizes.prefix))
    head = sum(inputs * outputs + outputs for inputs, outputs in sizes.head)
    return embedding + tokens * width + a["depth"] * block + 2 * width + head


def forward_flops(**arguments) -> int:
    """Compute the floating-point operations of a `ViT`'s forward pass on one image.

    A training step takes three times as many. The number covers the matrix products and the
    convolutions, and a multiplication and an addition count as one operation each. Each weight
    therefore costs two operations at each place that it is applied to, and the attention costs four
    for each pair of tokens and each channel. Norms, softmax, activations and sums are not counted:
    they are less than a tenth of what XLA counts. As in published counts, the last block is counted
    for all tokens, although with `pool="token"` it computes only one.

    Args:
        **arguments: arguments of `ViT`; an argument that is left out has its default.

    Returns:
        int, the number of operations. The defaults of `ViT`, which are KunViT, take 0.85e9, and
        2.56e9 in training.
    """
    a = {**DEFAULTS, **arguments}
    sizes = Sizes(a)
    width, tokens = a["hidden_dim"], sizes.prefix + sizes.patches
    embedding = sum(kernel * places for kernel, _, places in sizes.embedding)
    products = 4 * width * width + 2 * width * a["mlp_dim"]
    block = tokens * products + 2 * tokens * tokens * width
    head = sum(inputs * outputs for inputs, outputs in sizes.head)
    return 2 * (embedding + a["depth"] * block + head)


class Sizes:
    """The sizes of a `ViT` outside its blocks: grid, tokens, patch embedding and head.

    Args:
        a: dict, all arguments of `ViT` by name.

    Attributes:
        grid: pair of ints, (rows, columns) of patches.
        patches: int, number of patches.
        class_token: bool, whether the model has a class token.
        prefix: int, number of class and register tokens.
        embedding: list of (weights of the kernel, outputs, places that the kernel is applied to),
            one tuple for each step of the patch embedding.
        head: list of (inputs, outputs), one pair for each Dense layer after the pooling.
    """

    def __init__(self, a: dict) -> None:
        patch_size = pair(a["patch_size"], "patch_size")
        self.grid = patch_grid(a["image_shape"][:2], patch_size)
        self.patches = self.grid[0] * self.grid[1]
        self.class_token = has_class_token(a["pool"], a["class_token"])
        self.prefix = self.class_token + a["num_registers"]
        if a["patch_embedding"] == "stem":
            self.embedding = list(stem(a["image_shape"], patch_size[0], a["hidden_dim"]))
        else:
            inputs = patch_size[0] * patch_size[1] * a["image_shape"][2]
            self.embedding = [(inputs * a["hidden_dim"], a["hidden_dim"], self.patches)]
        widths = [a["hidden_dim"], *filter(None, (a["pre_logits"], a["num_classes"]))]
        self.head = list(itertools.pairwise(widths))


def stem(
    image_shape: tuple[int, int, int], patch_size: int, hidden_dim: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (weights, outputs, places) of each convolution of `ConvStem`.

    The last convolution does not halve the image, because the stem's pooling follows it.
    """
    height, width, channels = image_shape
    halvings = patch_size.bit_length() - 1
    for i in range(halvings):
        outputs = max(1, hidden_dim >> (halvings - 1 - i))
        if i < halvings - 1:
            height, width = -(-height // 2), -(-width // 2)
        yield 9 * channels * outputs, outputs, height * width
        channels = outputs
