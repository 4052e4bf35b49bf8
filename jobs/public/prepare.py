"""Writes the public sets that the jobs of this folder name as HDF5 files beside them.

    python prepare.py SETS

SETS holds the sets as README.md describes them. Writes nuclei.h5, membranes.h5 and tomograms.h5.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

PARTS = {"train": 0, "val": 3, "test": 2}
here = Path(__file__).parent


def labelled(source, target):
    """Images and labels with their split as numbers; of the validation images every second calibrates."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        split = np.array([PARTS[word.decode()] for word in file["split"]], np.uint8)
        split[np.flatnonzero(split == 3)[::2]] = 1
        out["images"], out["labels"], out["split"] = file["images"][()], file["labels"][()], split


def tomograms(source, target):
    """Slices of five volumes at half their resolution, with the volume's number; those that show nothing are left out.

    The first slices train. Behind a gap, runs of four calibrate and test in turn: what calibrates must be like what is tested, and a
    specimen changes from end to end.
    """
    images, kinds, split = [], [], []
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        for kind, name in enumerate(["fibers", "cement", "bone", "NT", "shell"]):
            volume = file[name][()].astype(np.float32)
            y, x = ((extent - 128) // 2 for extent in volume.shape[1:])
            for z in range(0, len(volume), 2):
                image = volume[z, y : y + 128, x : x + 128].reshape(64, 2, 64, 2).mean((1, 3))
                if image.std() < 2:
                    continue
                place = z / len(volume)
                images.append(image)
                kinds.append(kind)
                split.append(0 if place < 0.55 else 255 if place < 0.6 else 1 + z // 8 % 2)
        out["images"], out["kinds"] = np.array(images), np.array(kinds, np.uint8)
        out["split"] = np.array(split, np.uint8)


sets = Path(sys.argv[1])
labelled(sets / "nuclei_dsb2018/dev_256x256.h5", here / "nuclei.h5")
labelled(sets / "em_isbi2012/em_isbi2012.h5", here / "membranes.h5")
tomograms(sets / "xct_volumes/qim3d_mit.h5", here / "tomograms.h5")
