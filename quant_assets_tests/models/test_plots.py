"""Pictures: real PNG files, small, that differ where their data differ."""

import io
from dataclasses import replace

import numpy as np

from quant_assets.models.plots import importance_png, training_png
from quant_assets.models.trained import TrainedModel


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(png), format="png"))


def test_pictures_are_small_png_files_with_something_drawn(trained: TrainedModel) -> None:
    for draw in (importance_png, training_png):
        png = draw(trained, "Demo (simulated data), lightgbm")
        assert png.startswith(b"\x89PNG")
        assert len(png) < 60_000
        image = pixels(png)
        assert image.shape[1] <= 800
        blue = np.array([0, 0x72, 0xB2]) / 255
        assert (np.abs(image[..., :3] - blue).max(axis=-1) < 0.02).sum() > 100
        assert draw(trained, "Demo (simulated data), lightgbm") == png


def test_pictures_show_their_data(trained: TrainedModel) -> None:
    equal = replace(trained, importance=dict.fromkeys(trained.importance, 0.2))
    assert importance_png(equal, "a") != importance_png(trained, "a")
    assert training_png(replace(trained, history=trained.history[::-1]), "a") != training_png(
        trained, "a"
    )


def test_a_model_that_learned_nothing_can_be_drawn(trained: TrainedModel) -> None:
    nothing = replace(
        trained,
        importance={f"factor_{i}": 0.0 for i in range(40)},
        metrics={**trained.metrics, "validation_rank_ic": float("nan")},
        validation_rank_ic=dict.fromkeys(trained.validation_rank_ic, float("nan")),
        history=(0.0,),
    )
    for draw in (importance_png, training_png):
        assert draw(nothing, "Demo").startswith(b"\x89PNG")
