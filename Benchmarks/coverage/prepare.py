"""Cuts three public sets to small ones for the table of coverage.

    python prepare.py SETS FOLDER

SETS holds `nuclei_dsb2018/dev_256x256.h5`, `mri_hippocampus3d/dev.h5` and `em_isbi2012/em_isbi2012.h5` (jobs/README.md says where
they come from). Writes `nuclei.h5`, `hippocampus.h5` and `membranes.h5` at half the resolution, with images, labels, groups and
split: 0 train, 1 calibrate, 2 test. split.py draws calibration and test parts anew; training parts stay.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

sets, folder = Path(sys.argv[1]), Path(sys.argv[2])
rng = np.random.default_rng(0)


def halves(images, axes):
    """Means of 2 × 2 (× 2) pixels."""
    for axis in axes:
        images = (images.take(range(0, images.shape[axis], 2), axis) + images.take(range(1, images.shape[axis], 2), axis)) / 2
    return images.astype(np.float32)


def write(name, images, labels, groups, train, size=None):
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["images"], file["labels"], file["groups"] = images, labels, groups.astype(np.int64)
        file["split"] = np.where(train, 0, 1).astype(np.uint8)
        if size is not None:
            file["size"] = size


with h5py.File(sets / "nuclei_dsb2018/dev_256x256.h5") as file:
    chosen = np.sort(rng.permutation(len(file["images"]))[:190])
    images = halves(file["images"][()][chosen].astype(np.float32), (1, 2))
    labels = (file["labels"][()][chosen][:, ::2, ::2] > 0).astype(np.uint8)
    instances = file["instances"][()][chosen]
    size = np.array([np.count_nonzero(own) / max(1, len(np.unique(own)) - 1) for own in instances])
write("nuclei", images, labels, np.arange(len(images)), np.arange(len(images)) < 50, size)

with h5py.File(sets / "mri_hippocampus3d/dev.h5") as file:
    # Intensities are known up to a factor of each volume: its 99th percentile becomes 1.
    images = file["images"][()].astype(np.float32)
    images /= np.percentile(images.reshape(len(images), -1), 99, axis=1).reshape(-1, 1, 1, 1)
    images = halves(images, (1, 2, 3))
    labels = (file["labels"][()][:, ::2, ::2, ::2] > 0).astype(np.uint8)
    persons = file["subject_key"][()]
train = np.isin(persons, np.unique(persons)[:22])
write("hippocampus", images, labels, persons, train)

with h5py.File(sets / "em_isbi2012/em_isbi2012.h5") as file:
    images = halves(file["images"][()].astype(np.float32), (1, 2))
    labels = (file["labels"][()][:, ::2, ::2] > 0).astype(np.uint8)
# Slices follow each other through the tissue: six blocks of five.
write("membranes", images, labels, np.arange(30) // 5, np.arange(30) < 10)
