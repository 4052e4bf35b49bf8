"""Draws the calibration and test parts of a set anew; its training part stays.

    python split.py FILE SEED [size | swap]

Groups are drawn whole, half of them for each part. With `size`, images of small nuclei calibrate and those of large ones test; with
`swap` the two parts change places.
"""
import sys

import h5py
import numpy as np

path, seed = sys.argv[1], int(sys.argv[2])
with h5py.File(path, "r+") as file:
    split, groups = file["split"][()], file["groups"][()]
    rest = split > 0
    if sys.argv[3:] == ["size"]:
        size = file["size"][()]
        calibrates = size <= np.median(size[rest])
    else:
        own = np.random.default_rng(seed).permutation(np.unique(groups[rest]))
        half = len(own) // 2
        calibrates = np.isin(groups, own[half:] if sys.argv[3:] == ["swap"] else own[:half])
    file["split"][()] = np.where(rest, np.where(calibrates, 1, 2), 0).astype(np.uint8)
