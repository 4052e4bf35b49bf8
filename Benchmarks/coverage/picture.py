"""Draws docs/pictures/coverage.png from the results files that run.sh left in a folder.

    python picture.py FOLDER PICTURE

Left: the coverage of each test image of nuclei, sorted, by pixel and by image. Right: how well the spread over members finds wrong
pixels, by number of members.
"""
import sys
from pathlib import Path

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

folder = Path(sys.argv[1])
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.0), constrained_layout=True)
for kind, label in (("pixel", "calibrated by pixel"), ("unit", "by image")):
    units = []
    for path in sorted(folder.glob(f"nuclei-[0-9]*-{kind}.h5")):
        with h5py.File(path) as file:
            units += list(file["entry/evaluation/image/coverage"][0])
    units = np.sort(units)
    left.plot(np.linspace(0, 1, len(units)), units, label=f"{label}, mean {np.mean(units):.3f}")
left.axhline(0.9, color="grey", linewidth=0.8)
left.set(xlabel="share of test images", ylabel="coverage of an image", title="Level 0.9: images differ", ylim=(0.5, 1.01))
left.legend(frameon=False)
for network, label in (("tunet", "U-Nets"), ("smsnet", "random sparse networks")):
    points = []
    for members in (2, 5, 10):
        path = folder / f"nuclei-{network}-{members}.h5"
        if path.exists():
            with h5py.File(path) as file:
                points.append((members, file["entry/evaluation/confidence/error_detection"][()]))
    right.plot(*zip(*points), marker="o", label=label)
right.axhline(0.5, color="grey", linewidth=0.8)
right.set(xlabel="members", ylabel="AUROC", title="Wrong pixels found by the spread", ylim=(0.48, 1.01), xticks=(2, 5, 10))
right.legend(frameon=False, loc="lower right")
figure.savefig(sys.argv[2], dpi=110)
