"""The first picture of the README, from the quickstart's results.

    bash jobs/quickstart.sh
    python docs/pictures/cement.py results/cement.h5 jobs/data/cement.h5 docs/pictures/cement.png     (h5py, matplotlib)
"""
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

results, data, target = sys.argv[1:]
with h5py.File(results) as f, h5py.File(data) as d:
    entry = f[f.attrs["default"]]
    prediction = entry[entry.attrs["default"]]
    slice_ = 14
    z = prediction["indices"][slice_]
    level = 1
    panels = [
        ("low-dose slice", d["images"][z], "gray", None),
        ("truth: voids", d["labels"][z], "gray", (0, 1)),
        ("mean probability of void", prediction["mean"][0, 1, slice_], "viridis", (0, 1)),
        ("standard deviation over 5 members", prediction["mean_errors"][0, 1, slice_], "magma", None),
        (f"set size at coverage {entry['calibration/coverage'][level]:g}", prediction["set_size"][level, 0, slice_], "cividis", (0, 2)),
    ]
figure, axes = plt.subplots(1, len(panels), figsize=(16, 3.7), constrained_layout=True)
for axis, (title, values, colours, limits) in zip(axes, panels):
    picture = axis.imshow(values, cmap=colours, **({} if limits is None else dict(vmin=limits[0], vmax=limits[1])))
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()
    if colours not in ("gray",):
        figure.colorbar(picture, ax=axis, shrink=0.75, ticks=[0, 1, 2] if "set size" in title else None)
figure.savefig(target, dpi=90)
