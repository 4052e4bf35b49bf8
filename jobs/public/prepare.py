"""Writes the public sets that the jobs of this folder name as HDF5 files beside them.

    python prepare.py SETS

SETS holds the sets as README.md describes them. Writes nuclei.h5, membranes.h5, hippocampus.h5, tomograms.h5,
fibres.h5 and scattering.h5.
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


def hippocampus(source, target):
    """Volumes of unit variance around their mean, without the padding's zeros in either; of the validation persons every second calibrates."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        images = file["images"][()].astype(np.float32)
        for volume, (z, y, x) in zip(images, file["shape"][()]):
            inside = volume[:z, :y, :x]
            volume -= inside.mean()
            volume /= inside.std()
            volume[z:], volume[:, y:], volume[:, :, x:] = 0, 0, 0
        person = file["subject_key"][()]
        split = np.array([PARTS[word.decode()] for word in file["split"]], np.uint8)
        split[(split == 3) & np.isin(person, np.unique(person[split == 3])[::2])] = 1
        out["images"], out["labels"], out["person"], out["split"] = images, file["labels"][()], person, split


def fibres(source, target):
    """A slice with scribbles, 255 where there are none, and a larger slice of the same scan without any."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        scribbles = file["carbon/scribbles"][()]
        out["images"] = file["carbon/image"][()][None]
        out["labels"] = np.where(scribbles == 0, 255, scribbles - 1).astype(np.uint8)[None]
        out["new"] = file["unlabelled_slices/carbon0103"][()][None]


def filled(image, seen):
    """The mean of what lines along rows and columns between seen pixels give; 0 where neither does."""
    sums, counts = np.zeros(image.shape, np.float32), np.zeros(image.shape, np.float32)
    for values, known, total, count in ((image, seen, sums, counts), (image.T, seen.T, sums.T, counts.T)):
        for row in np.flatnonzero(known.any(1)):
            places = np.flatnonzero(known[row])
            total[row] += np.interp(np.arange(len(known[row])), places, values[row, places])
            count[row] += 1
    return sums / np.maximum(counts, 1)


def scattering(source, target, side=128):
    """Squares of detector images as log(1 + counts), in which bars like the gaps between a detector's modules are hidden.

    Images are what is seen, with gaps filled from around, and 1 where something is seen; targets are what was measured, the mask is 1
    where it is hidden.
    Of each detector the last image calibrates and tests, square by square in turn.
    """
    random = np.random.default_rng(1)
    images, targets, masks, split = [], [], [], []
    with h5py.File(source) as file:
        for group in file.values():
            counts, valid = group["images"][()], group["valid"][()] != 0
            for number, measured in enumerate(np.log1p(np.clip(counts, 0, None)).astype(np.float32)):
                for y in range(0, measured.shape[0] - side + 1, side):
                    for x in range(0, measured.shape[1] - side + 1, side):
                        square = np.s_[y : y + side, x : x + side]
                        known, bars = valid[number][square], np.zeros((side, side), bool)
                        top, left = random.integers(8, side - 25), random.integers(8, side - 15)
                        bars[top : top + 17] = True
                        bars[:, left : left + 7] = True
                        if known.mean() < 0.9:
                            continue
                        seen = known & ~bars
                        images.append([np.where(seen, measured[square], filled(measured[square], seen)), seen])
                        targets.append(np.where(known, measured[square], 0))
                        masks.append(known & bars)
                        split.append(0 if number < len(counts) - 1 else 1 + (y + x) // side % 2)
    with h5py.File(target, "w") as out:
        out["images"], out["targets"] = np.array(images, np.float32), np.array(targets, np.float32)
        out["mask"], out["split"] = np.array(masks, np.uint8), np.array(split, np.uint8)


sets = Path(sys.argv[1])
labelled(sets / "nuclei_dsb2018/dev_256x256.h5", here / "nuclei.h5")
labelled(sets / "em_isbi2012/em_isbi2012.h5", here / "membranes.h5")
hippocampus(sets / "mri_hippocampus3d/dev.h5", here / "hippocampus.h5")
tomograms(sets / "xct_volumes/qim3d_mit.h5", here / "tomograms.h5")
fibres(sets / "fibre_ct_scribbles/fibre_ct_scribbles.h5", here / "fibres.h5")
scattering(sets / "xray_scattering/dev.h5", here / "scattering.h5")
