"""Draws inpainting-whole.png: a part of the detector's image with its gaps, and below it the same with the gaps filled.

    python docs/applications/pictures/inpainting.py

Reads results/scattering-whole.h5, which docs/applications/inpainting.md says how to make. With h5py, numpy and Pillow.
"""
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

root = Path(__file__).parents[3]
with h5py.File(root / "results/scattering-whole.h5") as results, h5py.File(root / "jobs/public/scattering.h5") as data:
    counts, seen = data["whole"][0]
    answer = results["entry/prediction/mean"][()].reshape(counts.shape)
part = np.s_[560:1360, 100:1475]
pictures = [np.where(seen > 0, np.log1p(counts), other)[part] for other in (0, answer)]
pixels = (255 * np.concatenate([np.clip(picture / 6, 0, 1) for picture in pictures])).astype(np.uint8)
height, width = pixels.shape
picture = Image.fromarray(pixels).resize((660, 660 * height // width), Image.LANCZOS).quantize(32)
picture.save(Path(__file__).parent / "inpainting-whole.png", optimize=True)
