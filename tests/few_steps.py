"""How to compile what a test trains for a few steps."""

import keras

# With JAX's XLA: otherwise it compiles operation by operation. Without TensorFlow's: its graph is
# there sooner. PyTorch has neither.
JIT_COMPILE = keras.backend.backend() == "jax"
