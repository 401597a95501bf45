"""The page of `keras-vit serve`, which shows a picture's classes and the model's attention."""

import os
from pathlib import Path

import numpy as np

from keras_vit.data.channels import with_channels
from keras_vit.inspection.attention import attention_maps
from keras_vit.inspection.classifier import Classifier, TooManyPixels
from keras_vit.inspection.patch_attention import patch_attention, reads_class_token
from keras_vit.report.overlay_image import enlarged, heat_image

MAX_UPLOAD = "20mb"
# A picture of so many pixels takes a second and about 300 MB. Without a limit, a small compressed
# file could hold a picture that fills the memory.
MAX_PIXELS = 25_000_000
TOP = 5
SYSTEM_FONTS = ("system-ui", "sans-serif")


def serve(classifier: Classifier, name: str, host: str, port: int):
    """Start to serve the page in a thread. Pictures do not leave the machine.

    Args:
        classifier: `Classifier`, which classifies the pictures.
        name: str, name of the model and heading of the page.
        host: str, address to listen on.
        port: int, port to listen on.

    Returns:
        The running `gradio.Blocks`. `block_thread()` waits for its end, and `close()` ends it.

    Raises:
        OSError: if the port cannot be listened on.
    """
    # Gradio reads this variable when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # Gradio requests its own page to see whether it answers. A proxy cannot reach that page.
    direct = filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), host])
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(direct)
    import gradio

    page = build_page(classifier, name)
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        share=False,
        quiet=True,
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        max_file_size=MAX_UPLOAD,
        footer_links=[],
        theme=gradio.themes.Default(font=SYSTEM_FONTS, font_mono=("monospace",)),
    )
    return page


def build_page(classifier: Classifier, name: str):
    """Build the page as `gradio.Blocks`; the arguments are those of `serve`."""
    import gradio as gr

    depth, heads = attention_size(classifier)

    def answer(path):
        return list(look(classifier, path).values())

    with gr.Blocks(title=name, analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(f"# {name}\n{introduction(classifier, depth)}")
        maps = gr.State()
        with gr.Row():
            with gr.Column():
                file = gr.File(label="Picture: drop one here, or click to choose", height=160)
                message = gr.Markdown(elem_id="message")
            with gr.Column():
                label = gr.Label(label="Prediction", num_top_classes=TOP, elem_id="prediction")
        with gr.Row():
            with gr.Column():
                gr.Markdown("### What the model sees")
                seen = picture(elem_id="seen", alt_text="the picture at the model's own size")
            with gr.Column(visible=depth > 0):
                gr.Markdown("### What it attends to (from violet, least, to yellow, most)")
                overlay = picture(elem_id="overlay", alt_text="attention over the picture")
        with gr.Row(visible=depth > 0):
            block = slider(1, depth, depth, f"Block, 1 to {depth}", "block")
            head = slider(0, heads, 0, f"Head, 1 to {heads}; 0 is their mean", "head")
        hidden = {"api_visibility": "private", "show_progress": "hidden"}
        redraw = {"fn": draw, "inputs": [maps, block, head], "outputs": overlay, **hidden}
        file.change(answer, file, [message, seen, label, maps], **hidden).then(**redraw)
        for moved in (block, head):
            moved.change(trigger_mode="always_last", **redraw)
    return page


def picture(**arguments):
    """Make the element that shows a picture; it takes further arguments of `gradio.Image`."""
    import gradio as gr

    return gr.Image(
        show_label=False,
        interactive=False,
        format="png",
        height=400,
        buttons=["download", "fullscreen"],
        **arguments,
    )


def slider(least: int, most: int, value: int, label: str, name: str):
    """Make a slider, which is hidden where there is only one value to choose."""
    import gradio as gr

    has_choice = most > least
    most = most if has_choice else least + 1
    return gr.Slider(least, most, value, step=1, label=label, elem_id=name, visible=has_choice)


def introduction(classifier: Classifier, depth: int) -> str:
    """Write the text at the top of the page."""
    size = classifier.image_size
    takes = f"Pictures become {size[1]}x{size[0]} pixels. " if size else ""
    attends = (
        "The sliders choose whose attention is shown."
        if depth
        else "This model has no attention blocks to look into, so only its prediction is shown."
    )
    return f"{len(classifier.class_names)} classes. {takes}{attends}"


def attention_size(classifier: Classifier) -> tuple[int, int]:
    """Return the numbers of blocks and heads whose attention can be shown; zeros without any."""
    if not classifier.has_attention:
        return 0, 0
    maps = patch_maps(classifier.model, np.zeros(classifier.image_shape, "uint8"))
    return maps.shape[0], maps.shape[1] - 1


def look(classifier: Classifier, path: str | None) -> dict:
    """Classify a picture's file for the page.

    Args:
        classifier: `Classifier`, which classifies the picture.
        path: str or None, the uploaded file. None: no file is chosen.

    Returns:
        dict of `message` (str), `seen` (uint8 picture or None), `label` (dict from a class to its
        probability, or None) and `maps` (tuple of picture and attention, or None).
    """
    nothing = {"message": "", "seen": None, "label": None, "maps": None}
    if path is None:
        return nothing
    name = Path(path).name
    try:
        image, (height, width) = classifier.read(path, MAX_PIXELS)
    except TooManyPixels as error:
        return {**nothing, "message": f"`{name}`: {error}"}
    except ValueError:
        return {
            **nothing,
            "message": f"`{name}` can't be read as a picture. The page reads PNG, JPEG, WebP and "
            "BMP files.",
        }
    top = classifier.top(classifier.probabilities(image[np.newaxis])[0], TOP)
    shown = with_channels(image[np.newaxis], 3)[0]
    attends = classifier.has_attention
    return {
        "message": f"`{name}`: {width}x{height} pixels",
        "seen": enlarged(shown),
        "label": dict(top),
        "maps": (shown, patch_maps(classifier.model, image)) if attends else None,
    }


def patch_maps(model, image: np.ndarray) -> np.ndarray:
    """Compute the attention to each patch, for the heads' mean and for each head.

    Args:
        model: Keras model with attention blocks.
        image: uint8 array `(H, W, C)` of the model's image shape.

    Returns:
        Float array `(depth, 1 + heads, rows, columns)`, whose second axis starts with the mean.
    """
    maps = attention_maps(model, image[np.newaxis])
    views = [maps, *np.split(maps, maps.shape[2], axis=2)]
    read = reads_class_token(model)
    each = [[patch_attention(one, model.grid, read)[0] for one in view] for view in views]
    return np.stack(each, axis=1)


def draw(maps: tuple | None, block: int, head: int) -> np.ndarray | None:
    """Draw the attention of one block and head over the picture.

    Args:
        maps: tuple of picture and attention, as `look` returns it, or None without a picture.
        block: int, the block, counted from 1.
        head: int, the head, counted from 1; 0 is the mean of the heads.

    Returns:
        uint8 array `(height, width, 3)`, or None where `maps` is None.
    """
    if maps is None:
        return None
    image, attention = maps
    return heat_image(image, attention[int(block) - 1, int(head)])
