"""A heat map over one image, as an array of pixels."""

import numpy as np

SIDE = 512  # longer side of an enlarged image, in pixels


def heat_image(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Draw a heat map over an image that is enlarged so that its pixels are visible.

    The colours are matplotlib's viridis, from violet for the smallest value of the map to yellow
    for the largest. The result is two thirds colour and one third the grey image.

    Args:
        image: uint8 array `(H, W, 3)`.
        heat: float array `(rows, columns)`, such as one entry of `patch_attention`.

    Returns:
        Uint8 `(height, width, 3)`, whose longer side is 512.
    """
    from matplotlib import colormaps
    from PIL import Image

    big = Image.fromarray(enlarged(image))
    heat = np.asarray(heat, "float32")
    heat = (heat - heat.min()) / max(np.ptp(heat), 1e-12)
    heat = np.asarray(Image.fromarray(heat).resize(big.size, Image.Resampling.BILINEAR))
    grey = np.asarray(big.convert("L"))[..., np.newaxis]
    colors = 255 * colormaps["viridis"](heat)[..., :3]
    return np.rint(grey / 3 + colors * 2 / 3).astype("uint8")


def enlarged(image: np.ndarray) -> np.ndarray:
    """Enlarge a uint8 image `(H, W, 3)` to a longer side of 512, with square pixels."""
    from PIL import Image

    scale = SIDE / max(image.shape[:2])
    size = tuple(max(1, round(scale * n)) for n in image.shape[1::-1])
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.NEAREST))
