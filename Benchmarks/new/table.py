"""Prints the scores of results beside the floors.

    python table.py NAME…

Reads results/NAME.h5 and NAME.h5, from the folder that it is started in.
"""
import sys

import h5py
import numpy as np


def dice(found, true):
    """Of two masks; 1 where both are empty."""
    total = found.sum() + true.sum()
    return 2 * (found & true).sum() / total if total else 1.0


def cement(found, true):
    return {"Dice of voids": dice(found == 1, true == 1)}


def nuclei(found, true):
    """The mean over images, as the floor is; a nucleus is its inside and its boundary."""
    return {"Dice of nuclei": np.mean([dice(a > 0, b > 0) for a, b in zip(found, true)])}


def membranes(found, true):
    return {"F1 of membranes": dice(found == 1, true == 1)}


def hippocampus(found, true):
    """The mean over volumes."""
    return {
        f"Dice of {part}": np.mean([dice(a == label, b == label) for a, b in zip(found, true)])
        for label, part in ((1, "anterior"), (2, "posterior"))
    }


FLOORS = {
    "cement": [(0.903, "3-D Gaussian filter and threshold")],
    "nuclei": [(0.882, "Otsu's threshold")],
    "membranes": [(0.731, "random forest of 21 local features")],
    "hippocampus": [(0.677, "mean training shape"), (0.489, "mean training shape")],
}

print("| set | score | tutti new | floor | what reaches it |\n| --- | --- | --- | --- | --- |")
for name in sys.argv[1:]:
    with h5py.File(f"results/{name}.h5") as results, h5py.File(f"{name}.h5") as data:
        found = results["entry/prediction/labels"][()]
        true = data["labels"][()][results["entry/prediction/indices"][()]]
    for (score, value), (floor, rule) in zip(globals()[name](found, true).items(), FLOORS[name]):
        print(f"| {name} | {score} | {value:.4f} | {floor} | {rule} |")
