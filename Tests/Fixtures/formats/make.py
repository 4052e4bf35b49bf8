"""Makes the image files beside it with the packages that their users have.

    pip install numpy tifffile imagecodecs mrcfile nibabel imageio zarr h5py hdf5plugin
    python make.py

Made with numpy 2.4.6, tifffile 2026.3.3, imagecodecs 2026.3.6, mrcfile 1.5.4, nibabel 5.4.2, imageio 2.38.1, zarr 3.1.6,
h5py 3.16.0 and hdf5plugin 7.1.0. Every file holds the numbers 0 to 359 as [z 3, y 10, x 12], or what the tests say of it.
"""

import gzip
import os
import shutil

import h5py
import hdf5plugin
import imageio.v3 as imageio
import mrcfile
import nibabel
import numpy as np
import tifffile
import zarr

os.chdir(os.path.dirname(os.path.abspath(__file__)))
ramp = np.arange(360).reshape(3, 10, 12)
small = (ramp % 251).astype(np.uint8)
short = ramp.astype(np.uint16)
real = (ramp / 4 - 7.5).astype(np.float32)
colour = np.stack([small, 255 - small, small // 2], axis=-1)


def tiff():
    def write(name, values, photometric="minisblack", **options):
        tifffile.imwrite(name, values, photometric=photometric, **options)

    write("u8.tif", small)
    write("u16-big-endian.tif", short, byteorder=">")
    write("i16-lzw.tif", (ramp - 100).astype(np.int16), compression="lzw", predictor=True)
    write("u32-deflate.tif", (ramp + 4_000_000_000).astype(np.uint32), compression="zlib", rowsperstrip=3)
    write("i32-packbits.tif", (-ramp).astype(np.int32), compression="packbits")
    write("f16.tif", real.astype(np.float16))
    write("f32-tiled.tif", real, tile=(16, 16), compression="zstd")
    write("f64-bigtiff.tif", real.astype(np.float64), bigtiff=True)
    write("rgb.tif", colour, photometric="rgb")
    write("rgb-planar.tif", np.moveaxis(colour, -1, 1), photometric="rgb", planarconfig="separate", tile=(16, 16))
    write("bits.tif", ramp % 3 == 0)
    write("centimetres.tif", short, resolution=(5000, 2500), resolutionunit="CENTIMETER", metadata=None)
    write("axes.tif", short, metadata={"axes": "ZYX"})
    write("four.tif", short.reshape(3, 2, 5, 12))
    five = np.arange(2 * 3 * 2 * 4 * 5, dtype=np.uint16).reshape(2, 3, 2, 4, 5)
    write("ome.ome.tif", five,
          metadata={"axes": "TZCYX", "PhysicalSizeX": 4, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 4,
                    "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.05, "PhysicalSizeZUnit": "µm"})
    write("channels.ome.tif", five[0].swapaxes(0, 1),
          metadata={"axes": "CZYX", "Channel": {"Name": ["nuclei & more", "7"]}})
    write("imagej.tif", five, imagej=True, resolution=(20, 10),
          metadata={"axes": "TZCYX", "spacing": 0.5, "unit": "um"})
    with tifffile.TiffWriter("two.ome.tif") as file:
        file.write(short, photometric="minisblack", metadata={"axes": "ZYX", "Name": "one"})
        file.write(small[0], photometric="minisblack", metadata={"axes": "YX", "Name": "two"})
    with tifffile.TiffWriter("mixed.tif") as file:
        file.write(short[0])
        file.write(short[0, :5])
    palette = np.zeros((3, 256), np.uint16)
    write("palette.tif", small[0], photometric="palette", colormap=palette)
    write("complex.tif", real.astype(np.complex64))
    folder("slices")
    for z in range(3):
        write(f"slices/cut {9 + z}.tif", short[z])
    folder("gap")
    for z in (1, 2, 4):
        write(f"gap/s{z:03}.tif", short[0])
    folder("sizes")
    write("sizes/a1.tif", short[0])
    write("sizes/a2.tif", short[0, :5])


def folder(name):
    shutil.rmtree(name, ignore_errors=True)
    os.makedirs(name)


def npy():
    np.save("u16.npy", short)
    np.save("f32-big-endian.npy", real.astype(">f4"))
    np.save("f64-fortran.npy", np.asfortranarray(real.astype(np.float64)))
    np.save("bool.npy", ramp % 3 == 0)
    np.save("i64.npy", ramp - 100)
    np.save("f16.npy", real.astype(np.float16))
    for version in (2, 3):
        with open(f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, short, version=(version, 0))
    np.save("records.npy", np.zeros(3, dtype=[("a", "f4"), ("b", "i2")]))


def mrc():
    for name, values in (("mode0", small.astype(np.int8)), ("mode1", (ramp - 100).astype(np.int16)), ("mode2", real),
                         ("mode6", short), ("mode12", real.astype(np.float16))):
        with mrcfile.new(f"{name}.mrc", overwrite=True) as file:
            file.set_data(values)
            file.set_volume()
            file.voxel_size = (4.0, 4.0, 50.0)  # x, y, z in Å
    with mrcfile.new("axes.mrc", overwrite=True) as file:
        file.set_data(short)
        file.set_volume()
        file.voxel_size = (4.0, 5.0, 6.0)
        file.header.mapc, file.header.mapr, file.header.maps = 3, 1, 2  # columns are z, rows x, sections y
    with mrcfile.new("stack.mrc", overwrite=True) as file:
        file.set_data(short)
        file.set_image_stack()


def nifti():
    volume = short.astype(np.int16).transpose(2, 1, 0)  # NIfTI's first axis is x
    image = nibabel.Nifti1Image(volume, np.diag([0.4, 0.5, 2, 1]))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, "i16.nii")
    nibabel.save(image, "i16.nii.gz")
    image = nibabel.Nifti1Image(volume, np.eye(4))
    image.header.set_slope_inter(0.25, -7.5)
    nibabel.save(image, "scaled.nii")  # nibabel scales by itself: written below with these numbers
    with open("scaled.nii", "r+b") as file:
        file.seek(112)
        file.write(np.array([0.25, -7.5], "<f4").tobytes())
        file.seek(352)
        file.write(short.astype("<i2").tobytes())
    nibabel.save(nibabel.Nifti2Image(real.transpose(2, 1, 0), np.eye(4)), "f32.nii2.nii")


def png():
    imageio.imwrite("u8.png", small[0])
    imageio.imwrite("u16.png", short[2])
    imageio.imwrite("rgb.png", colour[0])
    from PIL import Image
    image = Image.fromarray(small[0]).convert("P")
    image.save("palette.png")
    Image.fromarray(ramp[0] % 3 == 0).save("bits.png")


def omezarr():
    def multiscale(group, version, scales):
        axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
        datasets = [{"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": s}]}
                    for i, s in enumerate(scales)]
        entry = {"axes": axes, "datasets": datasets, "name": "ramp"}
        if version == "0.4":
            group.attrs["multiscales"] = [dict(entry, version="0.4")]
        else:
            group.attrs["ome"] = {"version": "0.5", "multiscales": [entry]}

    from numcodecs import Blosc, GZip, Zstd
    scales = [[0.05, 0.004, 0.004], [0.05, 0.008, 0.008]]
    folder("v04.zarr")
    group = zarr.open_group("v04.zarr", mode="w", zarr_format=2)
    multiscale(group, "0.4", scales)
    for name, values in (("0", short), ("1", short[:, ::2, ::2])):
        group.create_array(name, shape=values.shape, dtype=values.dtype, chunks=(2, 4, 5), compressors=Blosc(cname="zstd"),
                           chunk_key_encoding={"name": "v2", "separator": "/"})[:] = values
    folder("v05.zarr")
    group = zarr.open_group("v05.zarr", mode="w", zarr_format=3)
    multiscale(group, "0.5", scales)
    from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
    group.create_array("0", shape=short.shape, dtype=short.dtype, chunks=(2, 4, 5), compressors=ZstdCodec())[:] = short
    group.create_array("1", shape=(3, 5, 6), dtype=short.dtype, chunks=(2, 4, 5),
                       compressors=BloscCodec())[:] = short[:, ::2, ::2]
    folder("sharded.zarr")
    group = zarr.open_group("sharded.zarr", mode="w", zarr_format=3)
    multiscale(group, "0.5", scales[:1])
    group.create_array("0", shape=real.shape, dtype=real.dtype, chunks=(1, 5, 4), shards=(2, 10, 8),
                       compressors=GzipCodec())[:] = real
    for name, options in (("gzip", {"compressors": GZip()}), ("zstd", {"compressors": Zstd()}),
                          ("plain", {"compressors": None}), ("fortran", {"order": "F"})):
        folder(f"{name}.zarr")
        array = zarr.create_array(f"{name}.zarr", shape=short.shape, dtype=">u2" if name == "plain" else "<u2",
                                  chunks=(2, 4, 5), zarr_format=2, fill_value=7, overwrite=True, **options)
        array[:2] = short[:2]  # the rest keeps the fill value


def hdf5():
    with h5py.File("filters.h5", "w", libver="earliest") as file:
        file.create_dataset("bitshuffle", data=short, chunks=(1, 10, 12), **hdf5plugin.Bitshuffle())
        file.create_dataset("scaleoffset", data=short, chunks=(1, 10, 12), scaleoffset=0)
        file.create_dataset("deflate", data=short, chunks=(1, 10, 12), compression="gzip", shuffle=True)
        file.create_dataset("big-endian", data=real.astype(">f4"))
        file.create_dataset("bool", data=ramp % 3 == 0)
        file.create_dataset("enum", data=(ramp % 3).astype(np.uint8),
                            dtype=h5py.enum_dtype({"paste": 0, "void": 1, "ettringite": 2}, basetype="u1"))
        file.create_dataset("f16", data=real.astype(np.float16))
    with h5py.File("nxdata.h5", "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["z", "y", "x"]})
        data["counts"] = short
        for name, step in (("z", 50.0), ("y", 4.0), ("x", 4.0)):
            data[name] = np.arange({"z": 3, "y": 10, "x": 12}[name]) * step
            data[name].attrs["units"] = "nm"
    with h5py.File("nxtomo.h5", "w") as file:
        file["entry/instrument/detector/data"] = short
        file["entry/instrument/detector/image_key"] = np.zeros(3, int)
        file["entry/sample/rotation_angle"] = np.arange(3.0)
        file["entry"].attrs["NX_class"] = "NXentry"
    with h5py.File("exchange.h5", "w") as file:
        file["exchange/data"] = short
        file["exchange/data_white"] = short[:1]
        file["exchange/theta"] = np.arange(3.0)


def job():
    """The images and labels of one tiny job in several formats."""
    random = np.random.default_rng(7)
    labels = (random.random((12, 16, 16)) < 0.3).astype(np.uint8)
    images = (labels * 1000.0 + random.random(labels.shape) * 1200).astype(np.uint16)
    folder("job")
    with h5py.File("job/job.h5", "w") as file:
        file["images"], file["labels"] = images, labels
    for name, values in (("images", images), ("labels", labels)):
        tifffile.imwrite(f"job/{name}.tif", values, photometric="minisblack", compression="zlib", predictor=True)
        np.save(f"job/{name}.npy", values)
        with mrcfile.new(f"job/{name}.mrc", overwrite=True) as file:
            file.set_data(values.astype(np.int8) if name == "labels" else values)
            file.set_image_stack()
        array = zarr.create_array(f"job/{name}.zarr", shape=values.shape, dtype=values.dtype, chunks=(12, 16, 16))
        array[:] = values
    for name, values in (("images", images), ("labels", labels)):
        np.save(f"job/{name}-last.npy", np.moveaxis(values, 0, -1))


for make in (tiff, npy, mrc, nifti, png, omezarr, hdf5, job):
    make()
