"""How fast image files are read beside the Python packages that users have, and OME-Zarr is exported by two ranks beside one.

    python Benchmarks/files/measure.py [--tutti .build/release/tutti] [--megabytes 256] [--export 1000] [--folder DIR]

Every file holds one volume of 16-bit numbers, tiled from jobs/data/cement.h5 with noise. Both open it and read all of it into memory, as
often as --repetitions says; the shortest counts: Tutti by `tutti bench read`, Python by the format's package. Prints Markdown tables.
Needs the packages of Tests/python-requirements.txt (`bash Tests/python.sh` makes them).
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import hdf5plugin
import imageio.v3 as imageio
import mrcfile
import nibabel
import numpy as np
import tifffile
import zarr

ROOT = pathlib.Path(__file__).resolve().parents[2]


def volume(megabytes):
    """A volume of z slices of 1024², mirrored from block to block."""
    with h5py.File(ROOT / "jobs/data/cement.h5") as file:
        block = file["images"][:].astype(np.uint16)
    slices = max(1, round(megabytes * 1e6 / (2 * 1024 * 1024)))
    plane = np.tile(block, (1, 8, 8))
    noise = np.random.default_rng(1)
    result = np.empty((slices, 1024, 1024), np.uint16)
    for z in range(slices):
        result[z] = 16 * plane[z % 128] + noise.integers(0, 16, (1024, 1024), np.uint16)
    return result


def zarrs(name, version, values, **options):
    group = zarr.open_group(name, mode="w", zarr_format=version)
    array = group.create_array("0", shape=values.shape, dtype=values.dtype, **options)
    array[:] = values
    return f"{name}:0", lambda: zarr.open_group(name, mode="r")["0"][:]


def formats(values):
    """The name of each format, Tutti's source, and what reads it in Python."""
    chunk = (8, 256, 256)

    def hdf5(name, **options):
        with h5py.File(f"{name}.h5", "w") as file:
            file.create_dataset("x", data=values, **options)

        def read():
            with h5py.File(f"{name}.h5") as file:
                return file["x"][()]

        return f"{name}.h5:/x", read

    def tiff(name, **options):
        tifffile.imwrite(f"{name}.tif", values, photometric="minisblack", **options)
        return f"{name}.tif", lambda: tifffile.imread(f"{name}.tif")

    def folder(name, ending, write, read):
        os.mkdir(name)
        for z, plane in enumerate(values):
            write(f"{name}/{z:04d}.{ending}", plane)
        return name, lambda: np.stack([read(f"{name}/{file}") for file in sorted(os.listdir(name))])

    def mrc():
        with mrcfile.new("a.mrc") as file:
            file.set_data(values)
        return "a.mrc", lambda: mrcfile.read("a.mrc")

    def nifti(name):
        nibabel.save(nibabel.Nifti1Image(values.T, np.eye(4)), name)
        return name, lambda: np.array(np.asarray(nibabel.load(name).dataobj).T)

    def npy():
        np.save("a.npy", values)
        return "a.npy", lambda: np.load("a.npy")

    return [
        ("HDF5, chunks", "h5py", lambda: hdf5("plain", chunks=chunk)),
        ("HDF5, deflate", "h5py", lambda: hdf5("deflate", chunks=chunk, compression="gzip", shuffle=True)),
        ("HDF5, bitshuffle and LZ4", "h5py, hdf5plugin", lambda: hdf5("bitshuffle", chunks=chunk, **hdf5plugin.Bitshuffle())),
        ("TIFF, pages", "tifffile", lambda: tiff("plain")),
        ("TIFF, deflate", "tifffile", lambda: tiff("deflate", compression="zlib")),
        ("TIFF, LZW", "tifffile", lambda: tiff("lzw", compression="lzw", predictor=True)),
        ("TIFF, tiles, zstd", "tifffile", lambda: tiff("tiles", compression="zstd", tile=(256, 256))),
        ("TIFF, a folder", "tifffile", lambda: folder(
            "tiffs", "tif", lambda name, plane: tifffile.imwrite(name, plane, photometric="minisblack"), tifffile.imread)),
        ("OME-Zarr 0.4, plain", "zarr", lambda: zarrs("plain.zarr", 2, values, chunks=chunk, compressors=None)),
        ("OME-Zarr 0.5, zstd", "zarr", lambda: zarrs(
            "zstd.zarr", 3, values, chunks=chunk, compressors=[zarr.codecs.ZstdCodec(level=3)])),
        ("OME-Zarr 0.5, blosc", "zarr", lambda: zarrs(
            "blosc.zarr", 3, values, chunks=chunk, compressors=[zarr.codecs.BloscCodec(cname="lz4", shuffle="shuffle")])),
        ("OME-Zarr 0.5, shards", "zarr", lambda: zarrs(
            "shards.zarr", 3, values, chunks=chunk, shards=(32, 512, 512), compressors=[zarr.codecs.ZstdCodec(level=3)])),
        ("MRC", "mrcfile", mrc),
        ("NIfTI", "nibabel", lambda: nifti("a.nii")),
        ("NIfTI, gzip", "nibabel", lambda: nifti("a.nii.gz")),
        ("NPY", "numpy", npy),
        ("PNG, a folder", "imageio", lambda: folder("pngs", "png", imageio.imwrite, imageio.imread)),
    ]


def clear(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def reading(options):
    values = volume(options.megabytes)
    megabytes = values.nbytes / 1e6
    print(f"\nReading {megabytes:.0f} MB ({'×'.join(map(str, values.shape))}, 16 bits):\n")
    print("| file | package | package, MB/s | Tutti, MB/s | ratio |\n| --- | --- | --- | --- | --- |")
    slower = []
    for name, package, make in formats(values):
        if options.only and options.only not in name:
            continue
        source, read = make()
        seconds = []
        for _ in range(options.repetitions):
            start = time.perf_counter()
            found = read()
            seconds.append(time.perf_counter() - start)
        if not np.array_equal(found, values):
            sys.exit(f"{name}: {package} read other values")
        del found
        told = subprocess.run(
            [options.tutti, "bench", "read", source, "--repetitions", str(options.repetitions), "--json"],
            check=True, capture_output=True, text=True).stdout
        own, other = megabytes / min(json.loads(told)["seconds"]), megabytes / min(seconds)
        if own < other:
            slower.append(name)
        print(f"| {name} | {package} | {other:.0f} | {own:.0f} | {own / other:.2f} |", flush=True)
        clear(".")
    print(f"\nSlower than the package: {', '.join(slower) or 'none'}.")


def exporting(options):
    values = volume(options.export / 2).astype(np.float32)
    with h5py.File("results.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(min(16, len(values)), 256, 256))
    print(f"\nExporting {values.nbytes / 1e6:.0f} MB (32-bit floats, HDF5 in chunks) as OME-Zarr, flushed to the disk:\n")
    print("| chunks | 1 rank, s | 2 ranks, s | times as fast | starting, s | times as fast without |")
    print("| --- | --- | --- | --- | --- | --- |")

    def seconds(source, ranks, flags):
        shutil.rmtree("out.zarr", ignore_errors=True)
        os.sync()
        start = time.perf_counter()
        subprocess.run(
            [options.tutti, "export", source, "--to", "out.zarr", "--ranks", str(ranks), *flags],
            check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    for name, flags in (("uncompressed", ["--uncompressed"]), ("zstd", [])):
        starts, (one, two) = (
            [min(seconds(source, ranks, flags) for _ in range(3)) for ranks in (1, 2)]
            for source in ("results.h5:/x[0:1]", "results.h5:/x"))
        if not np.array_equal(zarr.open_group("out.zarr", mode="r")["0"][:], values):
            sys.exit("other values were exported")
        print(
            f"| {name} | {one:.2f} | {two:.2f} | {one / two:.2f} | {starts[0]:.2f}, {starts[1]:.2f} | "
            f"{(one - starts[0]) / (two - starts[1]):.2f} |", flush=True)
    clear(".")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tutti", default=str(ROOT / ".build/release/tutti"))
    parser.add_argument("--megabytes", type=float, default=256, help="of each file that is read; 0: none are")
    parser.add_argument("--export", type=float, default=1000,
                        help="megabytes that are exported; 0: nothing is")
    parser.add_argument("--folder", default=None, help="where files are made (default: a temporary folder)")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", default="", help="formats whose name holds this")
    options = parser.parse_args()
    options.tutti = os.path.abspath(options.tutti)
    os.environ["HDF5_PLUGIN_PATH"] = hdf5plugin.PLUGIN_PATH
    versions = [f"{module.__name__} {module.__version__}"
                for module in (h5py, tifffile, zarr, mrcfile, nibabel, np, imageio) if hasattr(module, "__version__")]
    print(f"{', '.join(versions)}; {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        os.chdir(folder)
        if options.megabytes:
            reading(options)
        if options.export:
            exporting(options)
        os.chdir("/")


main()
