"""Floating-point operations of a saved model on one image, as XLA counts them on the JAX backend.

    KERAS_BACKEND=jax python benchmarks/model_flops.py saved_models/cifar10/model.keras

Forward, and three times that for training: the backward pass is two products for each one.
Prints one line of JSON. Elementwise work is counted too, some percent of a Transformer's.
"""

import argparse
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"  # a GPU's own kernels count as nothing
import jax
import keras

import keras_vit  # noqa: F401  (its layers are registered with Keras)

BATCH = 8  # what is done once for all images is left out of the count, nearly


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a .keras file")
    model = keras.saving.load_model(parser.parse_args().model)
    forward = forward_flops(model)
    print(json.dumps({"forward_flops": forward, "training_flops": 3 * forward}))


def forward_flops(model):
    """Operations of one image's way through a model with one input."""
    variables = [[v.value for v in part] for part in variables_of(model)]

    def call(trainable, fixed, images):
        return model.stateless_call(trainable, fixed, images, training=False)[0]

    images = jax.ShapeDtypeStruct((BATCH, *model.input_shape[1:]), "float32")
    return round(jax.jit(call).lower(*variables, images).cost_analysis()["flops"] / BATCH)


def variables_of(model):
    return model.trainable_variables, model.non_trainable_variables


if __name__ == "__main__":
    main()
