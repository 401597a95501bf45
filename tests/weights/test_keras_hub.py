"""keras-hub's own reading of a Hugging Face checkpoint, beside ours."""

import json

import numpy as np
import pytest

from keras_vit import ViT, load_checkpoint, to_huggingface
from tests.helpers import disturbed
from tests.weights.parity import images_of, logits


@pytest.mark.medium
@pytest.mark.filterwarnings("ignore")
def test_keras_hub_gives_the_same_logits_for_the_same_folder(tmp_path):
    keras_hub = pytest.importorskip("keras_hub", reason="compares with keras-hub")
    names = tuple("abcdefg")
    model = disturbed(ViT((32, 32, 3), 8, 7, 48, 2, 4, 80, class_names=names))
    folder = to_huggingface(model, tmp_path / "vit")
    config = json.loads((folder / "config.json").read_text())
    # What keras-hub reads without a default.
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "num_labels": 7}
    (folder / "config.json").write_text(json.dumps(config))

    theirs = keras_hub.models.ViTImageClassifier.from_preset(str(folder))
    images = images_of((32, 32, 3))
    expected = logits(theirs, (images / 127.5 - 1).astype("float32"))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits(load_checkpoint(folder), images), expected, atol=1e-4)
