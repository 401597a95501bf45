"""Count the floating-point operations of a saved model on one image, as XLA counts them on JAX.

    KERAS_BACKEND=jax python benchmarks/model_flops.py saved_models/cifar10/model.keras

The script prints one line of JSON, with the operations of the forward pass and of training.
Training takes three times as many, because the backward pass has two products for each product of
the forward pass. Elementwise operations are counted too, which are a few per cent of a
Transformer's operations.
"""

import argparse
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"  # XLA does not count the operations in a GPU's own kernels.
import jax
import keras

import keras_vit  # noqa: F401  (its layers are registered with Keras)

# The count is divided by the batch size, so that operations done once for a batch hardly count.
BATCH = 8


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a .keras file")
    model = keras.saving.load_model(parser.parse_args().model)
    forward = forward_flops(model)
    print(json.dumps({"forward_flops": forward, "training_flops": 3 * forward}))


def forward_flops(model):
    """Count the operations of the forward pass of a model with one input, on one image."""
    variables = [[v.value for v in part] for part in variables_of(model)]

    def call(trainable, fixed, images):
        return model.stateless_call(trainable, fixed, images, training=False)[0]

    images = jax.ShapeDtypeStruct((BATCH, *model.input_shape[1:]), "float32")
    return round(jax.jit(call).lower(*variables, images).cost_analysis()["flops"] / BATCH)


def variables_of(model):
    return model.trainable_variables, model.non_trainable_variables


if __name__ == "__main__":
    main()
