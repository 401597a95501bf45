from .layers import Patches as Patches
