"""Prints, by detector, how an ensemble fills hidden bars, beside lines along rows and columns.

    python lines.py ../../results/scattering.h5

Errors are of log(1 + counts), over the hidden pixels of the test squares.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

with h5py.File(sys.argv[1]) as results, h5py.File(Path(__file__).parent / "scattering.h5") as data:
    prediction = results["entry/prediction"]
    places, levels = prediction["indices"][()], results["entry/calibration/coverage"][()]
    true, hidden = data["targets"][()][places], data["mask"][()][places] != 0
    answers = {"ensemble": prediction["mean"][()].reshape(true.shape), "lines": np.log1p(data["images"][()][places, 0])}
    detectors, names = data["detector"][()][places], data["detector"].attrs["names"]
    lower, upper = (prediction[name][()].reshape(len(levels), *true.shape) for name in ("lower", "upper"))

print("| detector | squares | mean error, lines | ensemble | Pearson, lines | ensemble | "
      + " | ".join(f"coverage at {level:g}" for level in levels) + " |")
print("| --- |" + " --- |" * (5 + len(levels)))
for number, name in enumerate(names):
    of = (detectors == number)[:, None, None] & hidden
    cells = [str(np.count_nonzero(detectors == number))]
    cells += [f"{np.abs(answers[key][of] - true[of]).mean():.4f}" for key in ("lines", "ensemble")]
    cells += [f"{np.corrcoef(answers[key][of], true[of])[0, 1]:.3f}" for key in ("lines", "ensemble")]
    cells += [f"{((low[of] <= true[of]) & (true[of] <= high[of])).mean():.3f}" for low, high in zip(lower, upper)]
    print(f"| {name} | " + " | ".join(cells) + " |")
