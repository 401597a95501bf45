from .attention import attention_maps as attention_maps
from .attention import iter_attention_maps as iter_attention_maps
