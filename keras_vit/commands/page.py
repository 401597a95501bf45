"""The page of `python -m keras_vit serve`: a picture in, classes and attention out."""

import os
from pathlib import Path

import numpy as np

from keras_vit.data.channels import with_channels
from keras_vit.inspection.attention import attention_maps
from keras_vit.inspection.classifier import Classifier, TooManyPixels
from keras_vit.inspection.patch_attention import patch_attention, reads_class_token
from keras_vit.report.overlay_image import enlarged, heat_image

MAX_UPLOAD = "20mb"
MAX_PIXELS = 25_000_000  # a second and some 300 MB; a few compressed bytes can be many more
TOP = 5
SYSTEM_FONTS = ("system-ui", "sans-serif")


def serve(classifier: Classifier, name: str, host: str, port: int):
    """Starts to serve the page, in a thread. Nothing leaves the machine.

    Args:
        classifier: what answers.
        name: of the model, the page's heading.
        host: address to listen on.
        port: to listen on.

    Returns:
        The running `gradio.Blocks`, to be waited for with `block_thread()` or ended by `close()`.

    Raises:
        OSError: where host and port can't be listened on.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    # Gradio looks whether its own page answers; a proxy can't know.
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


def build_page(classifier, name):
    import gradio as gr

    depth, heads = attention_size(classifier)

    def answer(path):
        return list(look(classifier, path).values())

    with gr.Blocks(title=name, analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(f"# {name}\n{introduction(classifier, depth, heads)}")
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
    import gradio as gr

    return gr.Image(
        show_label=False,
        interactive=False,
        format="png",
        height=400,
        buttons=["download", "fullscreen"],
        **arguments,
    )


def slider(least, most, value, label, name):
    """Not shown where there is nothing to choose."""
    import gradio as gr

    choice = most > least
    most = most if choice else least + 1
    return gr.Slider(least, most, value, step=1, label=label, elem_id=name, visible=choice)


def introduction(classifier, depth, heads):
    size = classifier.image_size
    takes = f"Pictures become {size[1]}x{size[0]} pixels. " if size else ""
    attends = (
        "The sliders choose whose attention is shown."
        if depth
        else "This model has no attention blocks to look into: the prediction alone is shown."
    )
    return f"{len(classifier.class_names)} classes. {takes}{attends}"


def attention_size(classifier):
    """(blocks, heads) that can be looked into; zeros where there are none."""
    if not classifier.has_attention:
        return 0, 0
    maps = patch_maps(classifier.model, np.zeros(classifier.image_shape, "uint8"))
    return maps.shape[0], maps.shape[1] - 1


def look(classifier, path):
    """What the page shows for a file: a dict of message, seen, label and maps."""
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
            "message": f"`{name}` can't be read as a picture. PNG, JPEG, WebP and BMP files can.",
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


def patch_maps(model, image):
    """Attention to each patch, `(depth, 1 + heads, rows, columns)`; first the heads' mean."""
    maps = attention_maps(model, image[np.newaxis])
    views = [maps, *np.split(maps, maps.shape[2], axis=2)]
    read = reads_class_token(model)
    each = [[patch_attention(one, model.grid, read)[0] for one in view] for view in views]
    return np.stack(each, axis=1)


def draw(maps, block, head):
    """The overlay, uint8 `(height, width, 3)`, of block 1 ... and head 0 (mean), 1 ..."""
    if maps is None:
        return None
    image, attention = maps
    return heat_image(image, attention[int(block) - 1, int(head)])
