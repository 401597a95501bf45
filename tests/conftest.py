import keras
import pytest


@pytest.fixture(autouse=True)
def seed():
    """Every test draws the same weights each time, alone or after others: none fails by chance."""
    keras.utils.set_random_seed(0)
