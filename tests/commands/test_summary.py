import re

from keras_vit.commands import main


def test_a_vits_layers_classes_and_settings(vit_folder, capsys):
    main(["summary", str(vit_folder)])
    told = capsys.readouterr().out
    for layer in ("patches", "patch_encoder", "block_0", "block_1", "norm", "pooled", "head"):
        assert re.search(rf"│ {layer} \(", told)
    assert "insects, a ViT" in told
    assert "takes:      (B, 8, 8, 3), gives (B, 6)" in told
    # 12 * 16 + 16 of the projection, 16 class token, 17 * 16 positions; in a block 4 * 16 * 17 of
    # attention, 2 * 16 * 17 of the MLP, 4 * 16 of its norms; the last norm; 17 * 6 of the head
    count = 208 + 16 + 272 + 2 * (1088 + 544 + 64) + 32 + 102
    assert f"parameters: {count:,}" in told
    assert "classes:    6: ant, bee, cat, dog, elk, fox" in told
    assert "  num_heads: 2\n" in told
    assert "  dtype: float32\n" in told


def test_a_model_of_another_kind_has_no_settings_to_tell(cnn_file, capsys):
    main(["summary", str(cnn_file)])
    told = capsys.readouterr().out
    assert "plain, a Sequential" in told
    assert "parameters: 90" in told
    assert "settings:" not in told
    assert "classes:" not in told
