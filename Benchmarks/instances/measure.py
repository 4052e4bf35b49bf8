"""How fast the objects of a volume are told apart, beside cc3d in the same run, and whether both find the same.

    python Benchmarks/instances/measure.py [--size 384] [--tutti .build/release/tutti] [--ranks 1 2 3 4]

Volumes: voxels at random of three densities, the voids of jobs/data/cement.h5, blobs, and adversarial ones: a snake that fills
the volume, checkerboards, walls that touch the border. Each is labelled by cc3d, on one core, and by `tutti bench instances`, on
one rank, in turns; the shortest of the repetitions counts. Tutti counts and measures objects on the way, which cc3d does apart
(`statistics`). Numbers of every voxel are compared for every connectivity and number of
ranks: equal up to their order. Needs NumPy, SciPy, h5py and connected-components-3d. Prints Markdown tables.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import tempfile
import time

import cc3d
import h5py
import numpy as np
from scipy import ndimage

ROOT = pathlib.Path(__file__).resolve().parents[2]


def volumes(size):
    """Pairs of a name and a volume of 0 and 1."""
    random = np.random.default_rng(1)
    for density in (0.02, 0.2, 0.5):
        yield f"random, {density:.0%}", (random.random((size,) * 3) < density).astype("u1")
    with h5py.File(ROOT / "jobs/data/cement.h5") as file:
        labels = file["labels"][:]
    yield "cement, voids", np.resize(np.tile(labels, (1, 3, 3))[:, :size, :size], (size,) * 3).astype("u1")
    smooth = ndimage.gaussian_filter(random.normal(size=(size,) * 3).astype("f4"), 3)
    yield "blobs", (smooth > smooth.std()).astype("u1")
    z, y, x = np.ogrid[:size, :size, :size]
    floor = (y % 2 == 0) | (x == np.where(y % 4 == 1, size - 1, 0))
    stair = (x == 0) & (y == np.where(z % 4 == 1, size - 1 - (size - 1) % 2, 0))
    yield "snake", np.where(z % 2 == 0, floor, stair).astype("u1")
    yield "checkerboard", ((z + y + x) % 2).astype("u1")
    yield "every other voxel", np.broadcast_to((z % 2 == 0) & (y % 2 == 0) & (x % 2 == 0), (size,) * 3).astype("u1")
    yield "walls", np.broadcast_to((z % 3 == 0) | (x == size // 2), (size,) * 3).astype("u1")


def tutti(program, path, connectivity, ranks=1, numbers=None, repetitions=1):
    command = [program, "bench", "instances", path, "--connectivity", str(connectivity), "--json"]
    command += ["--repetitions", str(repetitions)] + (["--numbers", numbers] if numbers else [])
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none"] + command
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def same(one, other):
    """Whether two numberings part voxels alike."""
    if one.max() != other.max() or not np.array_equal(one == 0, other == 0):
        return False
    pairs = np.unique(one.astype("u8").ravel() << np.uint64(32) | other.ravel().astype("u8"))
    return len(pairs) == one.max() + (one == 0).any()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--small", type=int, default=96, help="of the volumes whose numbers are compared")
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2, 3, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tutti", default=str(ROOT / ".build/release/tutti"))
    arguments = parser.parse_args()
    if os.geteuid() == 0:
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryDirectory() as folder:
        path, numbers = folder + "/volume.npy", folder + "/numbers"
        if arguments.ranks:
            compared = 0
            for name, volume in volumes(arguments.small):
                np.save(path, volume)
                for connectivity in (6, 18, 26):
                    expected = cc3d.connected_components(volume, connectivity=connectivity)
                    for ranks in arguments.ranks:
                        tutti(arguments.tutti, path, connectivity, ranks, numbers)
                        found = np.fromfile(numbers, "<i4").reshape(volume.shape)
                        assert same(expected, found), f"{name}, connectivity {connectivity}, {ranks} ranks: others"
                        compared += 1
                np.save(path, volume[:1])
                for connectivity in (4, 8):
                    expected = cc3d.connected_components(volume[0], connectivity=connectivity)
                    tutti(arguments.tutti, path, connectivity, 1, numbers)
                    found = np.fromfile(numbers, "<i4").reshape(volume.shape[1:])
                    assert same(expected, found), f"{name}, connectivity {connectivity}: others"
                    compared += 1
            print(f"{compared} numberings of volumes of {arguments.small}³ equal those of cc3d {importlib.metadata.version('connected-components-3d')}\n")
        print("| volume | objects | cc3d, s | with statistics, s | Tutti, s | cc3d / Tutti | with statistics |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, volume in volumes(arguments.size):
            np.save(path, volume)
            labels, whole, ours = [], [], []
            for _ in range(arguments.rounds):
                begin = time.perf_counter()
                found = cc3d.connected_components(
                    volume, connectivity=26, out_dtype=np.uint32, binary_image=True
                )
                labels.append(time.perf_counter() - begin)
                cc3d.statistics(found, no_slice_conversion=True)
                whole.append(time.perf_counter() - begin)
                result = tutti(arguments.tutti, path, 26, repetitions=4)
                ours.append(min(result["seconds"]))
            assert found.max() == result["objects"], name

            def ratio(theirs):
                return sorted(their / our for their, our in zip(theirs, ours))[len(ours) // 2]

            print(
                f"| {name} | {found.max()} | {min(labels):.3f} | {min(whole):.3f} | {min(ours):.3f} | {ratio(labels):.2f} "
                f"| {ratio(whole):.2f} |",
                flush=True,
            )


main()
