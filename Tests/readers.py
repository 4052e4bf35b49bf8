"""Opens results and exports where users look at them, without a display.

    python Tests/readers.py TUTTI

TUTTI is the program, with which a small job is run. Its results are opened by silx (NXdata), its OME-Zarr by ome-zarr and by
napari's reader, its XDMF file by VTK's reader, which is ParaView's, and its exports by tifffile and nibabel, and compared with
what h5py reads. Prints one line for each that differs. Exit status 0: none does; 1: some do; 77: a package is missing, which
is named. Tests/python-readers.txt says which.
"""

import os
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    import h5py
    import nibabel
    import numpy as np
    import silx.io
    import tifffile
    import zarr
    from napari_ome_zarr import napari_get_reader
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader
    from silx.io.nxdata import get_default
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader
except ImportError as error:
    print(error.name)
    sys.exit(77)

from comparisons import check, finish

tutti = os.path.abspath(sys.argv[1])

JOB = """
tutti: 1
name: readers
task: segmentation
data:
  images: data.h5:/{images}
  labels: data.h5:/{labels}
  {layout}
  classes: [paste, void]
  split: {{train: 0.5, calibrate: 0.25, test: 0.25, seed: 1}}
  patch: {patch}
  voxel-size: {size}
network: {{family: smsnet, nodes: 2, dilations: [1]}}
ensemble: {{members: {members}}}
training: {{epochs: 1, batch: 4}}
uncertainty: {{coverage: [0.8, 0.9]}}
output: {name}.zarr
"""


def run(*arguments):
    ended = subprocess.run([tutti, *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"tutti {' '.join(arguments)}: {ended.stderr.strip()}")
    return ended


def job(name, images, labels, layout, patch, size, members=2):
    with open(f"{name}.yaml", "w") as file:
        file.write(JOB.format(**locals()))
    run("run", f"{name}.yaml", "--threads", "1")
    return f"{name}.h5"


def prediction(results):
    with h5py.File(results) as file:
        return {name: value[()] for name, value in file["entry/prediction"].items()}


def silx_opens(results, own, units):
    """silx finds the default plot: the mean with its axes."""
    with silx.io.open(results) as file:
        data = get_default(file)
        check(data is not None and data.is_valid, f"silx: the default of {results}", data and data.issues)
        check(np.array_equal(data.signal, own["mean"]), f"silx: the signal of {results}")
        names = list(data.axes_dataset_names)
        check(names[-2:] == ["y", "x"], f"silx: the axes of {results}", names)
        found = [np.asarray(axis.attrs["units"]).astype(str).item() for axis in data.axes[-2:]]
        check(found == units, f"silx: units of {results}", found)
        if data.errors is not None:
            check(np.array_equal(data.errors, own["mean_errors"], equal_nan=True), f"silx: errors of {results}")


def zarr_opens(folder, own, scale):
    """ome-zarr's and napari's readers see the mean, the classes over it, and their scale."""
    # Channels are before images.
    mean, errors = (np.squeeze(np.moveaxis(own[name], 1, 0)) for name in ("mean", "mean_errors"))
    nodes = list(Reader(parse_url(folder))())
    check(np.array_equal(np.squeeze(nodes[0].data[0]), mean), f"ome-zarr: the mean of {folder}")
    check(any(np.array_equal(np.squeeze(node.data[0]), np.squeeze(own["labels"])) for node in nodes[1:] if node.data),
          f"ome-zarr: labels of {folder}", [node.metadata for node in nodes])
    layers = napari_get_reader(folder)(folder)
    kinds = [layer[2] for layer in layers]
    check(kinds == ["image", "labels"], f"napari: layers of {folder}", kinds)
    image, options, _ = layers[0]
    found = image[0] if isinstance(image, (list, tuple)) else image
    check(np.array_equal(np.squeeze(np.asarray(found)), mean), f"napari: the mean of {folder}")
    names = [name.split(": ")[-1] for name in options.get("name", [])]
    check(names == ["paste", "void"], f"napari: names of {folder}", options.get("name"))
    check(np.allclose(options["scale"][-len(scale):], scale), f"napari: scale of {folder}", options.get("scale"))
    labels, options, _ = layers[1]
    found = labels[0] if isinstance(labels, (list, tuple)) else labels
    check(np.array_equal(np.squeeze(np.asarray(found)), np.squeeze(own["labels"])), f"napari: labels of {folder}")
    spread = zarr.open_group(folder, mode="r")["spread/0"][:]
    check(np.array_equal(np.squeeze(spread), errors), f"zarr: the spread of {folder}")


def vtk_opens(path, own, spacing, images):
    """Every array of every step, at its place, with its spacing."""
    reader = vtkXdmfReader()
    reader.SetFileName(path)
    reader.UpdateInformation()
    steps = reader.GetOutputInformation(0).Get(vtkStreamingDemandDrivenPipeline.TIME_STEPS()) or (0,)
    check(len(steps) == images, f"VTK: steps of {path}", steps)
    for step, time in enumerate(steps):
        reader.UpdateTimeStep(time)
        grid = reader.GetOutputDataObject(0)
        while hasattr(grid, "GetNumberOfBlocks"):
            grid = grid.GetBlock(0)
        check(np.allclose(grid.GetSpacing(), spacing), f"VTK: spacing of {path}", grid.GetSpacing())
        shape = grid.GetDimensions()[::-1]
        points = grid.GetPointData()
        arrays = {points.GetArrayName(i): vtk_to_numpy(points.GetArray(i)).reshape(shape)
                  for i in range(points.GetNumberOfArrays())}
        wanted = {"labels": own["labels"][step]}
        for place, name in enumerate(["paste", "void"]):
            wanted[f"mean {name}"] = own["mean"][step, place]
            wanted[f"mean_errors {name}"] = own["mean_errors"][step, place]
            for level, coverage in enumerate(["0.8", "0.9"]):
                wanted[f"set {name} {coverage}"] = own["set"][level, step, place]
                wanted[f"set_size {coverage}"] = own["set_size"][level, step]
        check(set(arrays) == set(wanted), f"VTK: arrays of {path}", sorted(arrays))
        for name, values in wanted.items():
            check(np.array_equal(arrays.get(name), values.reshape(shape), equal_nan=True), f"VTK: {name} of {path}")


def exports(results, own, size):
    """The likeliest classes as OME-TIFF and NIfTI."""
    run("export", results, "--what", "labels", "--to", "labels.ome.tif")
    with tifffile.TiffFile("labels.ome.tif") as file:
        check(np.array_equal(np.squeeze(file.asarray()), np.squeeze(own["labels"])), "tifffile: labels")
    run("export", results, "--what", "mean", "--class", "void", "--to", "void.nii.gz")
    image = nibabel.load("void.nii.gz")
    check(np.array_equal(np.asarray(image.dataobj).T.squeeze(), own["mean"][0, 1]), "nibabel: the mean of void")
    found = [length * {"mm": 1e3, "micron": 1}[image.header.get_xyzt_units()[0]] for length in image.header.get_zooms()]
    check(np.allclose(found[:3], size[::-1]), "nibabel: voxel size", found)


def volume():
    results = job("volume", "images", "labels", "volume: true", "[4, 8, 8]", "[3 um, 2 um, 1 um]")
    own = prediction(results)
    silx_opens(results, own, ["um", "um"])
    zarr_opens("volume.zarr", own, [3, 2, 1])
    vtk_opens("volume.xdmf", own, [1, 2, 3], 1)
    exports(results, own, [3, 2, 1])


def stack():
    results = job("stack", "images", "labels", "volume: false", "[8, 8]", "[4 nm, 2 nm]")
    own = prediction(results)
    silx_opens(results, own, ["nm", "nm"])
    zarr_opens("stack.zarr", own, [4, 2])
    vtk_opens("stack.xdmf", own, [2, 4, 1], 4)


def single():
    """A single member has no spread."""
    results = job("single", "images", "labels", "volume: false", "[8, 8]", "[4 nm, 2 nm]", members=1)
    own = prediction(results)
    check(np.isnan(own["mean_errors"]).all(), "the spread of a single member", own["mean_errors"])
    check("spread" not in zarr.open_group("single.zarr", mode="r"), "OME-Zarr: the spread of a single member")
    silx_opens(results, own, ["nm", "nm"])
    vtk_opens("single.xdmf", own, [2, 4, 1], 4)


def data():
    random = np.random.default_rng(1)
    labels = (random.random((16, 24, 20)) < 0.3).astype(np.uint8)
    with h5py.File("data.h5", "w") as file:
        file["labels"] = labels
        file["images"] = (2 * labels + random.random(labels.shape)).astype(np.float32)


finish(volume, stack, single, prepare=data)
