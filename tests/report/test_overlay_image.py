import numpy as np
from matplotlib import colormaps

from keras_vit.report.overlay_image import enlarged, heat_image


def test_an_image_is_enlarged_to_512_and_its_pixels_stay_squares():
    image = np.arange(2 * 4 * 3, dtype="uint8").reshape(2, 4, 3)
    big = enlarged(image)
    assert big.shape == (256, 512, 3)
    np.testing.assert_array_equal(big[64::128, 64::128], image)
    assert len(np.unique(big.reshape(-1, 3), axis=0)) == 8


def test_a_map_of_one_hot_patch_is_yellow_there_and_violet_elsewhere():
    heat = np.zeros((4, 4))
    heat[0, 3] = 0.5
    shown = heat_image(np.full((8, 8, 3), 90, "uint8"), heat)
    assert shown.shape == (512, 512, 3)
    least, most = (30 + 170 * np.array(colormaps["viridis"](x)[:3]) for x in (0.0, 1.0))
    np.testing.assert_allclose(shown[500, 10], least, atol=1)
    np.testing.assert_allclose(shown[10, 500], most, atol=1)


def test_an_even_map_is_all_one_colour():
    shown = heat_image(np.zeros((8, 4, 3), "uint8"), np.full((2, 1), 0.5))
    assert shown.shape == (512, 256, 3)
    assert (shown == shown[0, 0]).all()
