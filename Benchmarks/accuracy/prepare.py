"""Cuts two public sets to the shortened form that the comparison trains on: images, labels and the numbers of their parts.

    python prepare.py SETS FOLDER

SETS holds `nuclei_dsb2018/dev_256x256.h5` and `em_isbi2012/em_isbi2012.h5` (jobs/README.md says where they come from). Writes
`nuclei.h5` and `membranes.h5`, each with images and labels [image, 256, 256] and split [image]: 0 train, 1 calibrate, 2 test.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

PARTS = {"train": 0, "val": 1, "test": 2}


def write(path, images, labels, split, most):
    kept = np.concatenate([np.flatnonzero(split == part)[: most[part]] for part in range(3)])
    with h5py.File(path, "w") as file:
        for name, values in (("images", images), ("labels", labels), ("split", split)):
            file[name] = values[kept]


def read(path):
    with h5py.File(path) as file:
        split = np.array([PARTS[word.decode()] for word in file["split"]], np.uint8)
        return file["images"][()], file["labels"][()], split


def quarters(stack):
    """Each 512² image as four of 256²."""
    return stack.reshape(len(stack), 2, 256, 2, 256).swapaxes(2, 3).reshape(-1, 256, 256)


sets, folder = Path(sys.argv[1]), Path(sys.argv[2])
images, labels, split = read(sets / "nuclei_dsb2018/dev_256x256.h5")
write(folder / "nuclei.h5", images, labels, split, most=(48, 12, 60))
images, labels, split = read(sets / "em_isbi2012/em_isbi2012.h5")
write(folder / "membranes.h5", quarters(images), quarters(labels), np.repeat(split, 4), most=(40, 8, 24))
