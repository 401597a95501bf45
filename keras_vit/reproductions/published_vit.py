"""The base of the published ViTs: a class token in front of a grid of patches."""

from keras_vit.models.configured import ConfiguredModel


class PublishedViT(ConfiguredModel):
    """A ViT with a class token, built from the parts that one publication changed.

    Args:
        images: `keras.Input`, `(B, H, W, C)`.
        outputs: tensor, the logits.
        arguments: dict, the arguments of the subclass's constructor.
        grid: (rows, columns) of the patches.
        shortcut: as in `ConfiguredModel`. Default: None.
    """

    num_prefix_tokens = 1
    class_token = True

    def __init__(self, images, outputs, arguments, grid, shortcut=None):
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid
