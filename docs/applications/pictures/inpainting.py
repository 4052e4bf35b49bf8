"""Draws inpainting.png, squares of the test part with their bars filled, and inpainting-whole.png, a part of a whole image with its gaps
and below it the same with the gaps filled.

    python docs/applications/pictures/inpainting.py

Reads results/scattering.h5 and results/scattering-whole.h5, which docs/applications/inpainting.md says how to make. With h5py, numpy and
Pillow.
"""
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

root = Path(__file__).parents[3]


def save(values, width, name):
    """A picture of values from 0 to 1."""
    pixels = (255 * np.clip(values, 0, 1)).astype(np.uint8)
    picture = Image.fromarray(pixels).resize((width, width * pixels.shape[0] // pixels.shape[1]), Image.LANCZOS).quantize(32)
    picture.save(Path(__file__).parent / name, optimize=True)


def square(data, prediction, image):
    """What is seen; filled by lines, by lines along what is seen, and by the ensemble; and what was measured."""
    hidden, true, fillings = data["mask"][image] != 0, data["targets"][image], np.log1p(data["images"][image])
    place = np.flatnonzero(prediction["indices"][()] == image)[0]
    answer = prediction["mean"][place].reshape(true.shape)
    known = hidden | (fillings[2] > 0)
    low, high = np.percentile(true[known], (1, 99))
    panels = [np.where(hidden, low, true), *(np.where(hidden, filling, true) for filling in (*fillings[:2], answer)), true]
    return np.concatenate([np.pad((panel - low) / (high - low), 2, constant_values=1) for panel in panels], 1)


with h5py.File(root / "jobs/public/scattering.h5") as data:
    with h5py.File(root / "results/scattering.h5") as results:
        rows = [square(data, results["entry/prediction"], image) for image in (1764, 3125, 3126, 4442, 5346)]
        save(np.kron(np.concatenate(rows), np.ones((2, 2))), 680, "inpainting.png")
    with h5py.File(root / "results/scattering-whole.h5") as results:
        counts, seen = data["whole"][0, 0], data["whole"][0, -1]
        answer = results["entry/prediction/mean"][()].reshape(counts.shape)
    part = np.s_[560:1360, 100:1475]
    pictures = [np.where(seen > 0, np.log1p(counts), other)[part] / 6 for other in (0, answer)]
    save(np.concatenate(pictures), 660, "inpainting-whole.png")
