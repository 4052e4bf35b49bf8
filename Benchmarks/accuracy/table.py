"""Prints the comparison as a Markdown table.

    python table.py FOLDER

FOLDER holds, for each set, `NAME-results.h5` of Tutti and `NAME-peer.jsonl` of peer.py.
"""
import json
import sys
from pathlib import Path

import h5py
import numpy as np

folder = Path(sys.argv[1])


def spread(values):
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else f"{values[0]:.4f}"


print("| set | network | | F1 micro | F1 macro |")
print("| --- | --- | --- | --- | --- |")
for name, network in (("nuclei", "TUNet, depth 3, base 16"), ("membranes", "MSDNet, 20 layers")):
    with open(folder / f"{name}-peer.jsonl") as file:
        peer = [json.loads(line) for line in file]
    with h5py.File(folder / f"{name}-results.h5") as file:
        evaluation = file["entry/evaluation"]
        ours = {key: evaluation[f"member_{key}"][()] for key in ("f1_micro", "f1_macro")}
        ensemble = [float(evaluation[key][()]) for key in ("f1_micro", "f1_macro")]
    parameters = f"{peer[0]['parameters']} parameters"
    rows = [("DLSIA", *(spread([run[key] for run in peer]) for key in ("f1_micro", "f1_macro"))),
            ("Tutti", *(spread(ours[key]) for key in ("f1_micro", "f1_macro"))),
            ("Tutti, ensemble of the five", *(f"{value:.4f}" for value in ensemble))]
    for place, (who, micro, macro) in enumerate(rows):
        print(f"| {name if place == 0 else ''} | {(network, parameters, '')[place]} | {who} | {micro} | {macro} |")
