import keras
import pytest

from tests.few_steps import JIT_COMPILE


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
