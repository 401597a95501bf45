"""The published policy of AutoAugment, and the meaning of its levels."""

import numpy

# "cifar10" is the CIFAR-10 policy from the appendix of AutoAugment (arXiv 1805.09501): 25
# sub-policies of two operations, each with the probability that it is applied and its level from 0
# to 9. Invert, Equalize and AutoContrast do not use their levels; the table has the published ones.
POLICIES = {
    "cifar10": (
        (("Invert", 0.1, 7), ("Contrast", 0.2, 6)),
        (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
        (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
        (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.5, 8), ("Equalize", 0.9, 2)),
        (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
        (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
        (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
        (("Equalize", 0.6, 5), ("Equalize", 0.5, 1)),
        (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
        (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
        (("Equalize", 0.3, 7), ("AutoContrast", 0.4, 8)),
        (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
        (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
        (("Solarize", 0.5, 2), ("Invert", 0.0, 3)),
        (("Equalize", 0.2, 0), ("AutoContrast", 0.6, 0)),
        (("Equalize", 0.2, 8), ("Equalize", 0.6, 4)),
        (("Color", 0.9, 9), ("Equalize", 0.6, 6)),
        (("AutoContrast", 0.8, 4), ("Solarize", 0.2, 8)),
        (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
        (("Solarize", 0.4, 5), ("AutoContrast", 0.9, 3)),
        (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.9, 2), ("Solarize", 0.8, 3)),
        (("Equalize", 0.8, 8), ("Invert", 0.1, 3)),
        (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 1)),
    ),
}
LEVELS = ("torchvision", "omihub777")
ENHANCEMENTS = ("Brightness", "Color", "Contrast", "Sharpness")


def magnitude(name: str, level: int, sign: int, levels: str, height: int, width: int) -> float:
    """Compute the magnitude of an operation at a level.

    Args:
        name: str, name of the operation.
        level: int from 0 to 9, as in the policy.
        sign: -1 or 1, direction of the operation.
        levels: "torchvision" or "omihub777", whose meaning of the level holds. The two agree in
            every line below that does not name one of them.
        height: int, height of the images in pixels.
        width: int, width of the images in pixels.

    Returns:
        Float. For the shears a slope, for the translations pixels, for Rotate degrees, for the
        enhancements the factor minus 1, for Posterize the number of bits to keep, for Solarize the
        first value to invert, and 0 for the other operations.
    """
    if name in ("ShearX", "ShearY"):
        return sign * 0.3 * level / 9
    if name in ("TranslateX", "TranslateY"):
        size = width if name == "TranslateX" else height
        pixels = 150 / 331 * size * level / 9
        return sign * (int(pixels) if levels == "torchvision" else pixels)
    if name == "Rotate":
        return (sign if levels == "torchvision" else 1) * 30 * level / 9
    if name in ENHANCEMENTS:
        return sign * _enhancement(level)
    if name == "Posterize":
        return 8 - round(4 * level / 9)
    if name == "Solarize":
        return (255 if levels == "torchvision" else 256) * (9 - level) / 9
    return 0.0


def _enhancement(level):
    """Compute 0.9 · level / 9 in float32, as `torch.linspace` does.

    The value is counted from the nearer end of the range. Its last bit matters, because that bit
    decides which way a blended value is truncated.
    """
    limit = numpy.float32(0.9)
    step = limit / numpy.float32(9)
    return float(level * step if level < 5 else limit - (9 - level) * step)
