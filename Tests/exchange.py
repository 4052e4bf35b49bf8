"""Exchange of image files with the Python packages that users have.

    python Tests/exchange.py TUTTI

TUTTI is the program. Files that the packages make are read by it to the same values, axes and voxel size; files that it
exports are read by the packages to the same. Prints one line for each that differs. Exit status 0: none does; 1: some do; 77: a
package is missing, which is named. Tests/python-requirements.txt says which.
"""

import json
import os
import subprocess
import sys

try:
    import h5py
    import hdf5plugin
    import imageio.v3 as imageio
    import mrcfile
    import nibabel
    import numpy as np
    import tifffile
    import zarr
    from ome_zarr_models import open_ome_zarr
except ImportError as error:
    print(error.name)
    sys.exit(77)

from comparisons import check, faults, finish

tutti = os.path.abspath(sys.argv[1])
repository = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
environment = {**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
ramp = np.arange(360).reshape(3, 10, 12)
small = (ramp % 251).astype(np.uint8)
short = (ramp * 7).astype(np.uint16)
real = (ramp / 4 - 7.5).astype(np.float32)
five = np.arange(240, dtype=np.uint16).reshape(2, 3, 2, 4, 5)


def run(*arguments):
    ended = subprocess.run([tutti, *arguments], capture_output=True, text=True, env=environment)
    if ended.returncode:
        faults.append(f"tutti {' '.join(arguments)}: {ended.stderr.strip()}")
    return ended


def told(source):
    return json.loads(run("info", source, "--json").stdout)[0]


def reads(source, values, axes=None, size=None):
    """Tutti reads the values; of `size` those that are not None are the voxel size in nanometres."""
    run("export", source, "--to", "read.npy", "--overwrite")
    if not os.path.exists("read.npy"):
        return
    found = np.load("read.npy")
    os.remove("read.npy")
    values = np.squeeze(np.asarray(values))
    check(found.shape == values.shape and np.array_equal(found, values), f"values of {source}", found.shape)
    if axes is None:
        return
    facts = told(source)
    check(facts["axes"] == axes, f"axes of {source}", facts["axes"])
    units = {"nm": 1, "µm": 1e3, "mm": 1e6, "Å": 0.1}
    for wanted, length in zip(size or [], facts["voxelSize"]):
        if wanted is not None:
            number, unit = (length or "nan nm").split(" ")
            check(np.isclose(float(number) * units[unit], wanted), f"voxel size of {source}", facts["voxelSize"])


def tiff():
    def write(name, values, photometric="minisblack", **options):
        tifffile.imwrite(name, values, photometric=photometric, **options)
        return name

    reads(write("u8.tif", small), small, "iyx")
    reads(write("big.tif", short, byteorder=">", bigtiff=True), short)
    reads(write("lzw.tif", (ramp - 100).astype(np.int16), compression="lzw", predictor=True), ramp - 100)
    reads(write("strips.tif", ramp.astype(np.uint32), compression="zlib", rowsperstrip=3), ramp)
    reads(write("tiles.tif", real, tile=(16, 16), compression="zstd"), real)
    reads(write("f64.tif", real.astype(np.float64)), real)
    colour = np.stack([small, 255 - small, small // 2], axis=1)
    # Exports have channels before images.
    first = np.moveaxis(colour, 1, 0)
    reads(write("planes.tif", colour, photometric="rgb", planarconfig="separate"), first, "icyx")
    reads(write("rgb.tif", np.moveaxis(colour, 1, -1), photometric="rgb"), first, "iyxc")
    options = {"PhysicalSizeX": 4, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 5, "PhysicalSizeYUnit": "nm",
               "PhysicalSizeZ": 0.05, "PhysicalSizeZUnit": "µm"}
    write("five.ome.tif", five, metadata={"axes": "TZCYX", **options})
    swapped = np.moveaxis(five, 2, 1)
    reads("five.ome.tif", swapped, "tzcyx", [None, 50, None, 5, 4])
    check(told("five.ome.tif").get("channels") is None, "channels of five.ome.tif")
    write("named.ome.tif", five, metadata={"axes": "TZCYX", "Channel": {"Name": ["nuclei", "a & b"]}})
    check(told("named.ome.tif")["channels"] == ["nuclei", "a & b"], "channels of named.ome.tif")
    write("imagej.tif", five, imagej=True, resolution=(20, 10),
          metadata={"axes": "TZCYX", "spacing": 0.5, "unit": "um"})
    reads("imagej.tif", swapped, "tzcyx", [None, 500, None, 100, 50])
    os.mkdir("slices")
    for z in range(3):
        write(f"slices/cut {9 + z}.tif", short[z])
    reads("slices", short, "iyx")


def zarrs():
    def write(name, version, values, **options):
        group = zarr.open_group(name, mode="w", zarr_format=version)
        array = group.create_array("0", shape=values.shape, dtype=values.dtype, **options)
        array[:] = values
        scales = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.05, 0.004, 0.003]}]}]
        axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
        multiscales = [{"axes": axes, "datasets": scales}]
        if version == 2:
            group.attrs["multiscales"] = [{"version": "0.4", **multiscales[0]}]
        else:
            group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
        return f"{name}:0"

    size = [50, 4, 3]
    blosc = zarr.codecs.BloscCodec(cname="lz4", shuffle="shuffle")
    reads(write("v2.zarr", 2, short, chunks=(2, 4, 5)), short, "zyx", size)
    reads(write("v3.zarr", 3, real, chunks=(2, 4, 5), compressors=[blosc]), real, "zyx", size)
    for version in (2, 3):
        group = zarr.open_group(f"named{version}.zarr", mode="w", zarr_format=version)
        group.create_array("0", shape=five.shape, dtype=five.dtype)[:] = five
        axes = [{"name": "t", "type": "time"}, {"name": "z", "type": "space"}, {"name": "c", "type": "channel"},
                {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
        scale = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1] * 5}]}]
        viewed = {"channels": [{"label": "nuclei", "color": "FFFFFF"}, {"label": "b", "color": "FFFFFF"}]}
        if version == 2:
            group.attrs.update({"multiscales": [{"version": "0.4", "axes": axes, "datasets": scale}], "omero": viewed})
        else:
            group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": scale}], "omero": viewed}
        check(told(f"named{version}.zarr:0")["channels"] == ["nuclei", "b"], f"channels of named{version}.zarr")
    shards = {"shards": (2, 8, 10), "compressors": [zarr.codecs.GzipCodec()]}
    reads(write("shards.zarr", 3, short, chunks=(1, 4, 5), **shards), short, "zyx", size)


def hdf5():
    filters = {
        "gzip": {"compression": "gzip", "shuffle": True, "fletcher32": True},
        "scale-offset": {"scaleoffset": 0},
        "bitshuffle": hdf5plugin.Bitshuffle(),
        "lz4": hdf5plugin.LZ4(),
        "blosc": hdf5plugin.Blosc(),
        "blosc2": hdf5plugin.Blosc2(),
        "zstd": hdf5plugin.Zstd(),
    }
    with h5py.File("a.h5", "w") as file:
        for name, options in filters.items():
            file.create_dataset(name, data=short, chunks=(2, 5, 6), **options)
        file["big-endian"] = real.astype(">f8")
        file["bool"] = ramp % 3 == 0
    for name in filters:
        reads(f"a.h5:/{name}", short)
    reads("a.h5:/big-endian", real)
    reads("a.h5:/bool", ramp % 3 == 0)
    with h5py.File("named.h5", "w") as file:
        file["x"] = five
        file["x"].attrs["channel_names"] = ["nuclei", "b"]
    check(told("named.h5")["channels"] == ["nuclei", "b"], "channels of named.h5")


def others():
    for mode, values in {1: short.astype(np.int16), 2: real, 6: short}.items():
        with mrcfile.new(f"mode{mode}.mrc", overwrite=True) as file:
            file.set_data(values)
            file.set_volume()
            file.voxel_size = (30, 40, 500)
        reads(f"mode{mode}.mrc", values, "zyx", [50, 4, 3])
    image = nibabel.Nifti1Image(short.astype(np.int16).T, np.diag([0.003, 0.004, 0.05, 1]))
    image.header.set_xyzt_units("mm")
    for name in ("a.nii", "a.nii.gz"):
        nibabel.save(image, name)
        reads(name, short, "zyx", [50e3, 4e3, 3e3])
    np.save("c.npy", real)
    np.save("fortran.npy", np.asfortranarray(real))
    reads("c.npy", real)
    reads("fortran.npy", real)
    imageio.imwrite("a.png", short[0])
    reads("a.png", short[0])


def exports():
    """What Tutti writes of a volume with a voxel size, read by the packages."""
    options = {"PhysicalSizeX": 3, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 4, "PhysicalSizeYUnit": "nm",
               "PhysicalSizeZ": 0.05, "PhysicalSizeZUnit": "µm"}
    tifffile.imwrite("source.ome.tif", short, photometric="minisblack", metadata={"axes": "ZYX", **options})

    def export(name):
        run("export", "source.ome.tif", "--to", name)
        return name

    def same(found, name):
        check(np.array_equal(np.squeeze(found), short), f"values of {name}", np.shape(found))

    size = [0.05, 0.004, 0.003]
    with tifffile.TiffFile(export("out.tif")) as file:
        same(file.asarray(), "out.tif")
        check(file.is_imagej and file.series[0].axes == "ZYX", "axes of out.tif", file.series[0].axes)
        found = file.imagej_metadata
        check((found["spacing"], found["unit"]) == (50, "nm"), "spacing of out.tif", found)
    with tifffile.TiffFile(export("out.ome.tif")) as file:
        same(file.asarray(), "out.ome.tif")
        check(file.is_ome and file.series[0].axes == "ZYX", "axes of out.ome.tif", file.series[0].axes)
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        check(np.isclose(pixels["PhysicalSizeZ"], 0.05), "voxel size of out.ome.tif", pixels)
    group = zarr.open_group(export("out.zarr"), mode="r")
    same(group["0"][:], "out.zarr")
    model = open_ome_zarr(group)
    scales = model.attributes.multiscales[0].datasets
    units = {"micrometer": 1, "nanometer": 1e-3}
    found = [number * units[axis.unit] for number, axis in
             zip(scales[0].coordinateTransformations[0].scale, model.attributes.multiscales[0].axes)]
    check(np.allclose(found, size), "voxel size of out.zarr", found)
    check([group[scale.path].ndim for scale in scales] == [3] * len(scales), "the scales of out.zarr", found)
    same(np.load(export("out.npy")), "out.npy")
    check(mrcfile.validate(export("out.mrc"), print_file=open(os.devnull, "w")), "out.mrc is not valid")
    with mrcfile.open("out.mrc") as file:
        same(file.data, "out.mrc")
        found = [float(file.voxel_size[axis]) / 1e4 for axis in "zyx"]
        check(np.allclose(found, size), "voxel size of out.mrc", found)
    for name in ("out.nii", "out.nii.gz"):
        image = nibabel.load(export(name))
        same(np.asarray(image.dataobj).T, name)
        found = [length * {"mm": 1e3, "micron": 1}[image.header.get_xyzt_units()[0]] for length in image.header.get_zooms()]
        check(np.allclose(found[:3], size[::-1]), f"voxel size of {name}", found)
    # Channels keep their names.
    tifffile.imwrite("channels.ome.tif", five, photometric="minisblack",
                     metadata={"axes": "TZCYX", "Channel": {"Name": ["nuclei", "a & b"]}})
    run("export", "channels.ome.tif", "--to", "channels.zarr")
    group = zarr.open_group("channels.zarr", mode="r")
    check([channel["label"] for channel in group.attrs["omero"]["channels"]] == ["nuclei", "a & b"],
          "channels of channels.zarr", dict(group.attrs))
    open_ome_zarr(group)
    run("export", "channels.zarr:0", "--to", "again.ome.tif")
    with tifffile.TiffFile("again.ome.tif") as file:
        channels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]["Channel"]
        check([channel["Name"] for channel in channels] == ["nuclei", "a & b"], "channels of again.ome.tif", channels)
    # One folder in place of another, packed or not.
    run("export", "source.ome.tif", "--to", "channels.zarr", "--overwrite", "--uncompressed")
    group = zarr.open_group("channels.zarr", mode="r")
    same(group["0"][:], "channels.zarr, written again")
    check(group["0"].compressors == () and "omero" not in group.attrs, "channels.zarr, written again", group["0"].info)
    check(not any(name.startswith("channels.zarr.") for name in os.listdir()), "what is left of channels.zarr")
    os.mkdir("out")
    export("out/%04d.png")
    same([imageio.imread(f"out/{name}") for name in sorted(os.listdir("out"))], "out/%04d.png")


def one_job():
    """One job, a part of the cement data in each kind of file: the same bits in the results."""
    with h5py.File(os.path.join(repository, "jobs/data/cement.h5")) as file:
        images, labels = file["images"][:16, 8:40, 8:40], file["labels"][:16, 8:40, 8:40]
    kinds = {}
    with h5py.File("job.h5", "w") as file:
        file["images"], file["labels"] = images, labels
    kinds["HDF5"] = ("job.h5:/images", "job.h5:/labels")
    for name, values in (("images", images), ("labels", labels)):
        os.mkdir(f"{name}-slices")
        for z, plane in enumerate(values):
            tifffile.imwrite(f"{name}-slices/{z}.tif", plane, photometric="minisblack")
        tifffile.imwrite(f"{name}.tif", values, photometric="minisblack", compression="zlib")
        np.save(f"{name}.npy", values)
        group = zarr.open_group(f"{name}.zarr", mode="w", zarr_format=3)
        group.create_array("0", shape=values.shape, dtype=values.dtype, chunks=(5, 12, 12))[:] = values
        axes = [{"name": axis, "type": "space"} for axis in "zyx"]
        scale = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}]}]
        group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": scale}]}
        with mrcfile.new(f"{name}.mrc", overwrite=True) as file:
            # MRC has no bytes without a sign.
            file.set_data(values.astype(np.uint16) if values.dtype == np.uint8 else values)
            file.set_volume()
    kinds["TIFF folder"] = ("images-slices", "labels-slices")
    for kind, ending in (("TIFF", "tif"), ("NPY", "npy"), ("OME-Zarr", "zarr:0"), ("MRC", "mrc")):
        kinds[kind] = (f"images.{ending}", f"labels.{ending}")
    found = {}
    for number, (kind, (image, label)) in enumerate(kinds.items()):
        with open("job.yaml", "w") as file:
            file.write(
                f"""{{tutti: 1, name: one, task: segmentation, data: {{images: "{image}", labels: "{label}", volume: true,
                classes: [paste, void], split: {{train: 0.5, calibrate: 0.25, test: 0.25}}, patch: [4, 16, 16]}},
                network: {{family: smsnet, nodes: 2, dilations: [1]}}, ensemble: {{members: 2}},
                training: {{epochs: 1, batch: 2}}, uncertainty: {{coverage: [0.8]}}, output: r{number}.h5}}""")
        run("run", "job.yaml", "--threads", "1")
        if os.path.exists(f"r{number}.h5"):
            with h5py.File(f"r{number}.h5") as file:
                entry = file["entry"]
                found[kind] = [entry[f"prediction/{name}"][()].tobytes() for name in ("mean", "mean_errors", "set")]
                found[kind].append(entry["calibration/threshold"][()].tobytes())
    check(set(found) == set(kinds) and all(bits == found["HDF5"] for bits in found.values()),
          "one job in several kinds of files", [kind for kind, bits in found.items() if bits != found.get("HDF5")])


finish(tiff, zarrs, hdf5, others, exports, one_job)
