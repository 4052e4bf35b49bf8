"""Prints the tables of coverage from the results files that run.sh left in a folder.

    python table.py FOLDER
"""
import sys
from pathlib import Path

import h5py
import numpy as np

folder = Path(sys.argv[1])
UNITS = {"nuclei": "image", "hippocampus": "group", "membranes": "block"}


def splits(name):
    return sorted(path.name.split("-")[1] for path in folder.glob(f"{name}-[0-9]*-unit.h5"))


def coverages(path, unit):
    """Coverage over all pixels, of each unit, and mean set size."""
    with h5py.File(path) as file:
        own = file["entry/evaluation"]
        return own["coverage"][0], own[f"{unit}/coverage"][0], own["mean_set_size"][0]


print("| set | units | calibrated by | coverage of pixels | of units, mean | of units, lowest | below 0.8 | set size |")
print("| --- | --- | --- | --- | --- | --- | --- | --- |")
for name, unit in UNITS.items():
    for kind in ("pixel", "unit"):
        found = [coverages(folder / f"{name}-{split}-{kind}.h5", unit) for split in splits(name)]
        if not found:
            continue
        pixels = np.mean([own[0] for own in found])
        means = [np.nanmean(own[1]) for own in found]
        units = np.concatenate([own[1] for own in found])
        units = units[np.isfinite(units)]
        size = np.mean([own[2] for own in found])
        print(
            f"| {name} | {len(units) // len(found)} {unit}s × {len(found)} | {unit if kind == 'unit' else 'pixel'} | {pixels:.3f} | "
            f"{np.mean(means):.3f} ({min(means):.3f} to {max(means):.3f}) | {units.min():.3f} | {np.mean(units < 0.8):.2f} | {size:.2f} |"
        )

print()
def single(calibrated, tested, truths, others):
    """Coverage and width of intervals by a single network: number ± the k-th smallest |truth - number| of calibration units."""
    residuals = np.sort(np.abs(calibrated - truths[:, None]), axis=0)
    width = residuals[int(np.ceil((len(truths) + 1) * 0.9 - 1e-9)) - 1]
    return np.mean(np.abs(tested - others[:, None]) <= width), np.mean(2 * width)


print("| set | measured | units | covered | mean width | covered by one network | its width | ratio |")
print("| --- | --- | --- | --- | --- | --- | --- | --- |")
for name, unit in (("nuclei", "image"), ("hippocampus", "group")):
    rows = {}
    for split in splits(name):
        # The units that test are those that calibrate when the parts are swapped.
        for kind, other in (("unit", "swap"), ("swap", "unit")):
            with h5py.File(folder / f"{name}-{split}-{kind}.h5") as file, h5py.File(folder / f"{name}-{split}-{other}.h5") as swapped:
                table, calibration = file["entry/measurements"], swapped["entry/measurements"][unit]
                own = table[unit]
                for quantity, text in enumerate(table["name"].asstr()[()]):
                    truth = own["truth"][quantity]
                    lower, upper = own["lower"][0, quantity], own["upper"][0, quantity]
                    alone = single(
                        calibration["members"][quantity], own["members"][quantity], calibration["truth"][quantity], truth)
                    rows.setdefault(text, []).append(
                        (np.mean((lower <= truth) & (truth <= upper)), np.mean(upper - lower), *alone, len(truth)))
    for text, values in rows.items():
        covered, width, by_one, alone, count = np.mean(values, axis=0)
        print(
            f"| {name} | {text} | {count:.0f} {unit}s × {len(values)} | {covered:.3f} | {width:.4g} | {by_one:.3f} | {alone:.4g} | "
            f"{width / alone:.2f} |")

print()
print("| calibrated on, tested on | p value | alarm |")
print("| --- | --- | --- |")
for name in ("nuclei", "hippocampus"):
    for split in splits(name) + (["size"] if name == "nuclei" else []):
        path = folder / f"{name}-{split}-unit.h5"
        if not path.exists():
            continue
        with h5py.File(path) as file:
            p, alarm = file["entry/shift/p_value"][()], file["entry/shift/alarm"][()]
            covered = np.nanmean(file[f"entry/evaluation/{UNITS[name]}/coverage"][0])
        what = "small nuclei, large ones" if split == "size" else f"{name}, random groups, split {split}"
        print(f"| {what} (coverage {covered:.3f}) | {p:.4f} | {'yes' if alarm else 'no'} |")

print()
print("| set | network | members | F1 macro | wrong pixels found by spread, AUROC | by lack of confidence | ECE |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for name in ("nuclei", "membranes"):
    for network in ("tunet", "smsnet"):
        for members in (1, 2, 5, 10):
            path = folder / f"{name}-{network}-{members}.h5"
            if not path.exists():
                continue
            with h5py.File(path) as file:
                own, confidence = file["entry/evaluation"], file["entry/evaluation/confidence"]
                spread = f"{confidence['error_detection'][()]:.3f}" if members > 1 else "–"
                print(
                    f"| {name} | {network} | {members} | {own['f1_macro'][()]:.3f} | {spread} | "
                    f"{confidence['error_detection_by_confidence'][()]:.3f} | {confidence['calibration_error'][()]:.4f} |"
                )
