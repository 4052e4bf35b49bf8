"""Prints, by detector, how ensembles fill hidden bars, beside lines along rows and columns and lines along what is seen.

    python lines.py ../../results/scattering.h5 ../../results/scattering-unet.h5

Errors are of log(1 + counts), over the hidden pixels of the test squares; then Pearson's correlations, and the coverage of the first level.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

answers, covered = {}, {}
with h5py.File(Path(__file__).parent / "scattering.h5") as data:
    places = np.flatnonzero(data["split"][()] == 2)
    true, hidden, detectors = data["targets"][()][places], data["mask"][()][places] != 0, data["detector"][()][places]
    names = data["detector"].attrs["names"]
    for channel, name in enumerate(["lines", "along"]):
        answers[name] = np.log1p(data["images"][()][places, channel])
for path in sys.argv[1:]:
    with h5py.File(path) as results:
        prediction, name = results["entry/prediction"], Path(path).stem
        order = np.argsort(prediction["indices"][()])
        mean, lower, upper = (prediction[key][()].reshape(-1, *true.shape)[0, order] for key in ("mean", "lower", "upper"))
        answers[name], covered[name] = mean, (lower <= true) & (true <= upper)


def table(title, columns, score, digits):
    print(f"\n{title}\n\n| detector | squares | {' | '.join(columns)} |\n| --- | --- |{' --- |' * len(columns)}")
    for number, name in enumerate(names):
        of = (detectors == number)[:, None, None] & hidden
        cells = " | ".join(f"{score(column[of], true[of]):.{digits}f}" for column in columns.values())
        print(f"| {name} | {np.count_nonzero(detectors == number)} | {cells} |")


table("Mean error", answers, lambda answer, truth: np.abs(answer - truth).mean(), 4)
table("Correlation", answers, lambda answer, truth: np.corrcoef(answer, truth)[0, 1], 3)
table("Coverage", covered, lambda held, _: held.mean(), 3)
print()
for name, answer in list(answers.items())[1:]:
    better = [np.abs(answer[k] - true[k])[hidden[k]].mean() < np.abs(answers["lines"][k] - true[k])[hidden[k]].mean()
              for k in range(len(places))]
    print(f"{name} better than lines, squares by detector:", *(np.count_nonzero(np.array(better)[detectors == k]) for k in range(len(names))))
