"""Writes the public sets that the jobs of this folder name as HDF5 files beside them.

    python prepare.py SETS

SETS holds the sets as README.md describes them. Writes nuclei.h5, membranes.h5, hippocampus.h5, tomograms.h5,
fibres.h5, bundles.h5 and scattering.h5.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

PARTS = {"train": 0, "val": 1, "test": 2}
here = Path(__file__).parent


def labelled(source, target):
    """Images and labels with their split as numbers; the validation images calibrate."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        out["images"], out["labels"] = file["images"][()], file["labels"][()]
        out["split"] = np.array([PARTS[word.decode()] for word in file["split"]], np.uint8)


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
    """Volumes of unit variance around their mean, without the padding's zeros in either; the validation persons calibrate."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        images = file["images"][()].astype(np.float32)
        for volume, (z, y, x) in zip(images, file["shape"][()]):
            inside = volume[:z, :y, :x]
            volume -= inside.mean()
            volume /= inside.std()
            volume[z:], volume[:, y:], volume[:, :, x:] = 0, 0, 0
        person = file["subject_key"][()]
        split = np.array([PARTS[word.decode()] for word in file["split"]], np.uint8)
        out["images"], out["labels"], out["person"], out["split"] = images, file["labels"][()], person, split


def fibres(source, target):
    """A slice with scribbles, 255 where there are none, and a larger slice of the same scan without any."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        scribbles = file["carbon/scribbles"][()]
        out["images"] = file["carbon/image"][()][None]
        out["labels"] = np.where(scribbles == 0, 255, scribbles - 1).astype(np.uint8)[None]
        out["new"] = file["unlabelled_slices/carbon0103"][()][None]


def blurred(volume, sigma):
    """A volume after a Gaussian filter, periodic at its border."""
    spectrum = np.fft.fftn(volume)
    for axis, extent in enumerate(volume.shape):
        factors = np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(extent)) ** 2)
        spectrum *= factors.reshape([-1 if other == axis else 1 for other in range(volume.ndim)])
    return np.fft.ifftn(spectrum).real.astype(np.float32)


def bundles(source, target):
    """A volume of fibres with 240 short scribbles: 255 where there are none, 1 along the axes of fibres, 0 off them.

    Nobody drew them: along random strokes, voxels are labelled by the difference of two Gaussians, as narrow as a fibre and twice as
    wide, where it is high or not. What lies between is left out.
    """
    random = np.random.default_rng(1)
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        volume = file["fibers"][()]
        contrast = blurred(volume, 1.2) - blurred(volume, 2.5)
        strokes = np.zeros(volume.shape, bool)
        for _ in range(240):
            z, y, x = random.integers(4, np.array(volume.shape) - 28)
            extents = [(1, 2, 24), (1, 24, 2), (24, 2, 1)][random.integers(3)]
            strokes[z : z + extents[0], y : y + extents[1], x : x + extents[2]] = True
        labels = np.full(volume.shape, 255, np.uint8)
        labels[strokes & (contrast < 8)], labels[strokes & (contrast > 12)] = 0, 1
        out["images"], out["labels"] = volume, labels


def lines(image, seen):
    """An image whose unseen pixels are the mean of what lines along rows and columns between seen ones give; behind the last seen pixel
    a line is level. Where no line reaches, lines between what was filled before."""
    image, seen = np.where(seen, image, 0).astype(np.float64), seen.copy()
    while not seen.all():
        sums, counts = np.zeros(image.shape), np.zeros(image.shape)
        for values, known, total, count in ((image, seen, sums, counts), (image.T, seen.T, sums.T, counts.T)):
            for row in np.flatnonzero(known.any(1)):
                places = np.flatnonzero(known[row])
                total[row] += np.interp(np.arange(len(known[row])), places, values[row, places])
                count[row] += 1
        found = ~seen & (counts > 0)
        image[found], seen = (sums / np.maximum(counts, 1))[found], seen | found
    return image.astype(np.float32)


def smoothed(image):
    """The mean of each pixel and its eight neighbours."""
    padded = np.pad(image, 1, mode="edge")
    return sum(padded[y : y + image.shape[0], x : x + image.shape[1]] for y, x in np.ndindex(3, 3)) / 9


def between(image, seen, smooth, slopes, reach=5):
    """What lines of these slopes (rows a column, from -1 to 1) give in unseen pixels between two seen ones: the sum of all, each with its
    weight, and the sum of weights. A line weighs the more, the shorter it is and the more the columns of `smooth` at its ends are alike."""
    height, width = image.shape
    sums, weights, x = np.zeros(image.size), np.zeros(image.size), np.arange(width)
    padded = np.pad(smooth, ((reach, reach), (0, 0)), mode="edge")
    columns = np.array([padded[k : k + height].ravel() for k in range(2 * reach + 1)])
    for slope in slopes:
        shift = np.rint(slope * (x - width // 2)).astype(int)
        row = np.arange(-shift.max(), height - shift.min())[:, None] + shift
        inside = (row >= 0) & (row < height)
        pixel = np.where(inside, row, 0) * width + x
        known = inside & seen.ravel()[pixel]
        before = np.maximum.accumulate(np.where(known, x, -1), 1)
        after = np.minimum.accumulate(np.where(known, x, width)[:, ::-1], 1)[:, ::-1]
        line, at = np.nonzero(inside & ~known & (before >= 0) & (after < width))
        start, end = before[line, at], after[line, at]
        first, last = pixel[line, start], pixel[line, end]
        unlike = np.abs(columns[:, first] - columns[:, last]).mean(0)
        weight = (unlike + 0.1) ** -3 / ((end - start) * np.hypot(1, slope))
        part = (at - start) / (end - start)
        sums[pixel[line, at]] += weight * ((1 - part) * image.ravel()[first] + part * image.ravel()[last])
        weights[pixel[line, at]] += weight
    return sums.reshape(image.shape), weights.reshape(image.shape)


def along(image, filled, seen):
    """An image whose unseen pixels are the mean of lines in 24 directions, most of those whose ends are alike, which go along what is seen
    on both sides of a gap; as in `filled` where no line has two ends."""
    smooth, slopes = smoothed(filled), np.linspace(-1, 1, 13)
    sums, weights = between(image, seen, smooth, slopes)
    others = between(image.T, seen.T, smooth.T, slopes[1:-1])
    sums, weights = sums + others[0].T, weights + others[1].T
    return np.where(seen | (weights == 0), filled, sums / np.where(weights == 0, 1, weights)).astype(np.float32)


def bars(random, kind, side):
    """Where a square is hidden: 0, the gaps of a Pilatus detector (17 rows, 7 columns); 1, of an Eiger (12 columns, 2 rows); 2, two
    random bars."""
    hidden = np.zeros((side, side), bool)
    for axis, width in [[(0, 17), (1, 7)], [(1, 12), (0, 2)], [(k, w) for k, w in random.integers((0, 3), (2, 18), (2, 2))]][kind]:
        first = random.integers(4, side - 3 - width)
        np.moveaxis(hidden, axis, 0)[first : first + width] = True
    return hidden


def scattering(source, target, side=64):
    """Squares of detector images in which bars like the gaps between a detector's modules are hidden, and a whole image.

    Images are counts, with what is not seen filled by `lines` of log(1 + counts), the same filled by `along`, and 1 where something is seen;
    targets are log(1 + counts) as measured, the mask is 1 where they are hidden. Of each detector's last image, squares in turn train,
    calibrate and test, none of which overlap; its other images train. Squares of a detector of which there are few come several times,
    hidden differently.
    """
    random = np.random.default_rng(1)
    data = {name: [] for name in ("images", "targets", "mask", "split", "detector")}

    def seen_as(log, seen):
        filled = lines(log, seen)
        return [np.expm1(filled), np.expm1(along(log, filled, seen)), seen.astype(np.float32)]

    with h5py.File(source) as file, h5py.File(target, "w") as out:
        for number, (name, group) in enumerate(file.items()):
            for place, counts in enumerate(group["images"][()]):
                valid, log = group["valid"][place] != 0, np.log1p(np.clip(counts, 0, None)).astype(np.float32)
                is_last = place == len(group["images"]) - 1
                rows, columns = (range(0, extent - side + 1, side) for extent in log.shape)
                times = max(1, round(1500 / (len(group["images"]) * len(rows) * len(columns))))
                for a, b in np.ndindex(len(rows), len(columns)):
                    square = np.s_[rows[a] : rows[a] + side, columns[b] : columns[b] + side]
                    known = valid[square]
                    for _ in range(times if known.mean() >= 0.8 else 0):
                        hidden = bars(random, random.integers(3), side)
                        data["images"].append(seen_as(log[square], known & ~hidden))
                        data["targets"].append(np.where(known, log[square], 0))
                        data["mask"].append(known & hidden)
                        data["split"].append((a + b) % 3 if is_last else 0)
                        data["detector"].append(number)
                if is_last and name == "pilatus2m_gisaxs":
                    out["whole"] = np.array([seen_as(log, valid)], np.float32)
        for name, values in data.items():
            out[name] = np.array(values, np.float32 if name in ("images", "targets") else np.uint8)
        out["detector"].attrs["names"] = list(file)


sets = Path(sys.argv[1])
labelled(sets / "nuclei_dsb2018/dev_256x256.h5", here / "nuclei.h5")
labelled(sets / "em_isbi2012/em_isbi2012.h5", here / "membranes.h5")
hippocampus(sets / "mri_hippocampus3d/dev.h5", here / "hippocampus.h5")
tomograms(sets / "xct_volumes/qim3d_mit.h5", here / "tomograms.h5")
fibres(sets / "fibre_ct_scribbles/fibre_ct_scribbles.h5", here / "fibres.h5")
bundles(sets / "xct_volumes/qim3d_mit.h5", here / "bundles.h5")
scattering(sets / "xray_scattering/dev.h5", here / "scattering.h5")
