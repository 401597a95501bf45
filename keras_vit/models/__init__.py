from .intermediates import intermediates as intermediates
from .vit import ViT as ViT
