"""cement.h5: air voids in cement paste, X-ray tomography, as a low-dose segmentation problem with known truth.

    python make_cement.py scans.h5 cement.h5      (numpy, h5py, scipy, scikit-image)

scans.h5 holds qim3d/examples/cement_128x128x128.tif as its dataset ‘cement’.

scan    u8 [128,128,128]  the reconstruction as qim3d 1.5.3 (PyPI, MIT licence, qim3d/examples) carries it
labels  u8 [128,128,128]  1 where the scan smoothed by a Gaussian of 1 voxel lies below its two-class Otsu threshold (void), else 0
images  u8 [128,128,128]  the same scan as a low-dose one: photon noise of 20 counts at full scale, read-out noise of 6 grey levels, seed 1
split   u8 [128]          0 train (slices 0-71), 1 calibrate (76-95), 2 test (100-127), 255 left out (neighbouring slices are alike)
"""
import sys

import h5py
import numpy as np
from skimage.filters import gaussian, threshold_otsu

source, target = sys.argv[1:]
scan = h5py.File(source)["cement"][()]
smooth = gaussian(scan.astype(float), 1, preserve_range=True)
threshold = threshold_otsu(smooth)
rng = np.random.default_rng(1)
low = rng.poisson(scan / 255 * 20) / 20 * 255 + rng.normal(0, 6, scan.shape)
split = np.full(128, 255, np.uint8)
split[:72], split[76:96], split[100:] = 0, 1, 2
labels = (smooth < threshold).astype(np.uint8)
with h5py.File(target, "w") as f:
    for name, value in dict(images=np.clip(np.rint(low), 0, 255).astype(np.uint8), labels=labels, scan=scan).items():
        f.create_dataset(name, data=value, chunks=(1, 128, 128), compression="gzip", compression_opts=9, shuffle=True)
    f["split"] = split
    f.attrs.update(source="qim3d 1.5.3, qim3d/examples, MIT licence", threshold=threshold, classes=["paste", "void"])
test = split == 2
best = max((2 * ((g < t) & (labels[test] == 1)).sum() / ((g < t).sum() + labels[test].sum()), s, t)
           for s in (0.7, 1, 1.5, 2, 2.5) for g in [gaussian(low, s, preserve_range=True)[test]] for t in range(50, 100))
print("void fraction", labels.mean(), "floor: Dice of the best Gaussian and threshold on the test slices", best)
