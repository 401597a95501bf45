"""The published policy, and what its levels mean."""

import numpy

# AutoAugment (arXiv 1805.09501), the CIFAR-10 policy of its appendix: 25 sub-policies of two
# operations, each with the probability that it is applied and its level, 0 to 9. Invert,
# Equalize and AutoContrast have no use for a level; theirs are kept as published.
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


def magnitude(name, level, sign, levels, height, width):
    """The number that an operation takes at a level 0–9 and a sign of -1 or 1.

    Slopes for the shears, pixels for the translations, degrees for Rotate, the factor's
    distance from 1 for the enhancements, bits kept for Posterize, the first inverted value for
    Solarize, 0 for the rest. `levels` says whose reading of the level it is; both agree where
    no branch names one.
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
    """0.9 · level / 9 in float32, counted from the nearer end as `torch.linspace` does.

    The last bit decides which way a blended value truncates.
    """
    limit = numpy.float32(0.9)
    step = limit / numpy.float32(9)
    return float(level * step if level < 5 else limit - (9 - level) * step)
