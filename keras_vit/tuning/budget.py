"""What a ViT costs, in closed form: no model is built to know it."""

import inspect
import itertools

from keras_vit.layers.patches import pair, patch_grid
from keras_vit.models import ViT
from keras_vit.models.encoder import has_class_token

DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(ViT.__init__).parameters.items()
    if parameter.default is not inspect.Parameter.empty
}


def parameter_count(**arguments) -> int:
    """Parameters of a `ViT`, as `ViT(**arguments).count_params()` has them.

    Args:
        **arguments: `ViT`'s; what is left out has its default.

    Returns:
        The count, biases, norms and tables of positions included.
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
    """Floating-point operations of a `ViT` on one image, forward; training takes three times that.

    Those of the matrix products and convolutions, a multiplication and an addition each counted:
    two a weight and place, and four a pair of tokens and channel in the attention. Norms,
    softmax, activations and sums are left out, less than a tenth of what XLA counts. As in
    published counts the last block is for all tokens, though with `pool="token"` it makes one.

    Args:
        **arguments: `ViT`'s; what is left out has its default.

    Returns:
        The count. KunViT, which is the defaults: 0.85e9, 2.56e9 in training.
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
    """Grid, tokens and the matrices outside the blocks, of `ViT`'s complete arguments.

    Attributes:
        grid: (rows, columns) of patches.
        patches: their number.
        class_token: whether there is one.
        prefix: number of class and register tokens.
        embedding: (weights of the kernel, outputs, places that it is applied to) of each step.
        head: (inputs, outputs) of each Dense layer behind the pooling.
    """

    def __init__(self, a):
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


def stem(image_shape, patch_size, hidden_dim):
    """(weights, outputs, places) of `ConvStem`'s convolutions; its pooling comes after the last."""
    height, width, channels = image_shape
    halvings = patch_size.bit_length() - 1
    for i in range(halvings):
        outputs = max(1, hidden_dim >> (halvings - 1 - i))
        if i < halvings - 1:
            height, width = -(-height // 2), -(-width // 2)
        yield 9 * channels * outputs, outputs, height * width
        channels = outputs
