"""Small copies of golden files: every kind of group stays, the largest go.

    python reduce.py FOLDER_OF_FULL_FILES --out .

Values, names, attributes and types are untouched. What changes is how they are stored: shuffled and deflated, and an
array that equals its neighbour bit for bit (`y_eval` and `y` of most operations) is a second link to the same data.
"""
import argparse
import json
import os

import h5py
import numpy as np

a = argparse.ArgumentParser()
a.add_argument("full")
a.add_argument("--out", default=".")
a.add_argument("--limit", type=int, default=2_000_000, help="bytes a file")
a = a.parse_args()


def stored(path):
    """Bytes of all the arrays below an object."""
    total = 0

    def add(_, item):
        nonlocal total
        if isinstance(item, h5py.Dataset):
            total += item.id.get_storage_size()

    path.visititems(add)
    return total


def copy(source, target):
    for key, value in source.attrs.items():
        target.attrs.create(key, value, dtype=source.attrs.get_id(key).dtype)
    seen = {}
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            copy(item, target.create_group(name))
            continue
        data = item[()]
        key = (item.shape, item.dtype, data.tobytes())
        if name.startswith("y") and key in seen:
            target[name] = target[seen[key]]
            continue
        seen[key] = name
        large = item.size * item.dtype.itemsize > 2048
        made = target.create_dataset(name, data=data, dtype=item.dtype, shuffle=large or None,
                                     chunks=item.shape if large else None,
                                     compression="gzip" if large else None, compression_opts=9 if large else None)
        for k, v in item.attrs.items():
            made.attrs.create(k, v, dtype=item.attrs.get_id(k).dtype)


def features(group):
    """What makes a group differ from others of its kind, sizes aside."""
    g = {k: (v if isinstance(v, (str, bool)) else np.asarray(v).tolist()) for k, v in group.attrs.items()}
    if "kind" not in g:
        return group.name
    if "pool" in g["kind"]:  # an odd extent leaves a row out
        g["odd"] = group["x"].shape[-1] % 2
    g["dilated"] = g.pop("dilation", 1) > 1
    g.pop("padding", None)
    return json.dumps(g, sort_keys=True, default=str)


# What goes first where the limit is reached; networks and networks' paddings cover much of it.
FIRST = {
    "ops": ("conv3d_17", "convtranspose3d_25", "convtranspose3d_23", "conv3d_16", "conv3d_19", "conv3d_21", "conv2d_03",
            "convtranspose3d_26", "upsample3d_trilinear", "batchnorm3d_batch_statistics", "convtranspose2d_13",
            "maxpool3d_even", "maxpool3d_3"),
    "networks": ("tunet3plus_1", "autoencoder_1", "autoencoder_0", "tunet3plus_0", "msdnet_1_plain", "msdnet_2_plain", "msdnet_1",
                 "msdnet_2", "msdnet_0_plain", "msdnet3d_0"),
}
for name in ("ops", "losses", "optimizers", "networks", "training", "uncertainty", "confidence"):
    source, out = h5py.File(f"{a.full}/{name}.h5"), f"{a.out}/{name}.h5"
    keep, dropped = list(source), []
    if name == "ops":  # one group of each set of features, the smallest
        best = {}
        for k in sorted(source, key=lambda k: stored(source[k])):
            best.setdefault(features(source[k]), k)
        keep, dropped = [k for k in source if k in best.values()], [k for k in source if k not in best.values()]
    while True:
        with h5py.File(out, "w", libver=("v110", "v110")) as target:
            for k, v in source.attrs.items():
                target.attrs[k] = v
            for k in keep:
                copy(source[k], target.create_group(k))
        if os.path.getsize(out) <= a.limit:
            break
        worst = next(k for k in FIRST[name] if k in keep)
        keep.remove(worst), dropped.append(worst)
    print(name, os.path.getsize(out), "left out:", *dropped)
