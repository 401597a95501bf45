import gc
import os
import zlib
from pathlib import Path

import keras
import pytest

from tests.few_steps import JIT_COMPILE

# What these folders test goes through one backend as through another: folders, files, pictures,
# resuming, command lines, documents. PyTorch compiles nothing, so it runs them in the least time.
# What does depend on the backend is marked `backends` there, and runs on all three.
ON_TORCH = ("runs", "recipes", "tuning", "report", "docs", "reproductions", "earlier_versions")


def pytest_addoption(parser):
    parser.addoption(
        "--part",
        metavar="K/N",
        help="run only part K of N, from 0; a test is always in the same part",
    )


def pytest_collection_modifyitems(config, items):
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        if folder in ON_TORCH and not item.get_closest_marker("backends"):
            item.add_marker("on_torch")
    if part := config.getoption("--part"):
        number, count = map(int, part.split("/"))
        chosen = [i for i in items if zlib.crc32(i.nodeid.encode()) % count == number]
        config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
        items[:] = chosen


def pytest_configure():
    """Keeps what XLA compiled for JAX in the folder that the Makefile names, if it names one.

    Each worker has a folder of its own: JAX writes a file in place, where another process could
    read half of it. Processes that a test starts or kills keep nothing for the same reason, so the
    folder is set here and not by JAX's own environment variable.
    """
    folder = os.environ.get("KEEP_COMPILED_FOR_JAX")
    if not folder or keras.backend.backend() != "jax":
        return
    import jax

    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    jax.config.update("jax_compilation_cache_dir", os.path.join(folder, worker))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture(autouse=True, scope="module")
def _little_to_collect():
    """Takes what is alive between two files out of the garbage collector's sight.

    Keras collects garbage for each kernel that `quantize` replaces and in `clear_session`, which
    takes a second each time with all modules of TensorFlow in sight.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded():
    """Every test draws the same weights each time, alone or after others: none fails by chance.

    Fixtures of a module or session come before it.
    """
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def few_steps():
    """Runs compile as it is soonest; test_recipes, test_kills, test_checkpoint go without this."""
    from keras_vit.train.augmenting import AugmentingModel

    compiled = AugmentingModel.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            AugmentingModel,
            "compile",
            lambda *args, **kw: compiled(*args, **kw, jit_compile=JIT_COMPILE),
        )
        yield
