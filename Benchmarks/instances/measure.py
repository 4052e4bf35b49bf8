"""How fast the objects of a volume are told apart, beside cc3d in the same run, and whether both find the same.

    python Benchmarks/instances/measure.py [--size 384] [--tutti .build/release/tutti] [--ranks 1 2 3 4]

Volumes: voxels at random of five densities, the voids of jobs/data/cement.h5, blobs, and adversarial ones: a snake that fills
the volume, checkerboards, lone voxels, pairs, cubes, needles, sheets, walls that touch the border. Each is labelled by cc3d, on one core, and
by `tutti bench instances`, on one rank, in turns, in processor time; of a turn's repetitions the shortest counts, of both. Labels alone
(`connected_components`, `--no-measures`) and labels with measures (`statistics` too, `--measures`) are timed apart. Numbers of every
voxel are compared for every connectivity and number of ranks: equal up to their order. Needs NumPy, SciPy, h5py and
connected-components-3d. Prints Markdown tables.
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
    for density in (0.02, 0.05, 0.1, 0.2, 0.5):
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
    yield "every other, odd", np.broadcast_to((z % 2 == 1) & (y % 2 == 1) & (x % 2 == 1), (size,) * 3).astype("u1")
    yield "pairs", np.broadcast_to((z % 2 == 0) & (y % 2 == 0) & (x % 3 < 2), (size,) * 3).astype("u1")
    yield "cubes", np.broadcast_to((z % 5 < 4) & (y % 5 < 4) & (x % 5 < 4), (size,) * 3).astype("u1")
    yield "bars", np.broadcast_to((z % 2 == 0) & (y % 2 == 0) & (x % 7 < 6), (size,) * 3).astype("u1")
    yield "needles along z", np.broadcast_to((z >= 0) & (y % 2 == 0) & (x % 2 == 0), (size,) * 3).astype("u1")
    yield "sheets across x", np.broadcast_to((z >= 0) & (y >= 0) & (x % 2 == 0), (size,) * 3).astype("u1")
    yield "walls", np.broadcast_to((z % 3 == 0) | (x == size // 2), (size,) * 3).astype("u1")


def tutti(program, path, connectivity, ranks=1, numbers=None, repetitions=1, measures=True):
    command = [program, "bench", "instances", path, "--connectivity", str(connectivity), "--json"]
    command += ["--measures" if measures else "--no-measures"]
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
    parser.add_argument("--repetitions", type=int, default=4, help="of both, in each round")
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
                        tutti(arguments.tutti, path, connectivity, ranks, numbers, measures=ranks % 2 == 1)
                        found = np.fromfile(numbers, "<i4").reshape(volume.shape)
                        assert same(expected, found), f"{name}, connectivity {connectivity}, {ranks} ranks: others"
                        compared += 1
                np.save(path, volume[:1])
                for connectivity in (4, 8):
                    expected = cc3d.connected_components(volume[0], connectivity=connectivity)
                    for measures in (True, False):
                        tutti(arguments.tutti, path, connectivity, 1, numbers, measures=measures)
                        found = np.fromfile(numbers, "<i4").reshape(volume.shape[1:])
                        assert same(expected, found), f"{name}, connectivity {connectivity}: others"
                        compared += 1
            print(f"{compared} numberings of volumes of {arguments.small}³ equal those of cc3d {importlib.metadata.version('connected-components-3d')}\n")
        print("| volume | objects | cc3d, s | Tutti, s | cc3d / Tutti | with statistics, s | measured, s | cc3d / Tutti |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for name, volume in volumes(arguments.size):
            np.save(path, volume)
            # Of each turn: of cc3d labels, and with statistics; of Tutti the same.
            turns = []
            for _ in range(arguments.rounds):
                theirs = []
                for _ in range(arguments.repetitions):
                    begin = time.process_time()
                    found = cc3d.connected_components(volume, connectivity=26, out_dtype=np.uint32, binary_image=True)
                    labels = time.process_time() - begin
                    cc3d.statistics(found, no_slice_conversion=True)
                    theirs.append((labels, time.process_time() - begin))
                    objects = found.max()
                    del found
                ours = [tutti(arguments.tutti, path, 26, repetitions=arguments.repetitions, measures=m) for m in (False, True)]
                assert all(result["objects"] == objects for result in ours), name
                turns.append([min(times) for times in zip(*theirs)] + [min(result["processorSeconds"]) for result in ours])

            def column(turn):
                return min(times[turn] for times in turns)

            def ratio(theirs, ours):
                return sorted(times[theirs] / times[ours] for times in turns)[len(turns) // 2]

            print(
                f"| {name} | {objects} | {column(0):.3f} | {column(2):.3f} | {ratio(0, 2):.2f} "
                f"| {column(1):.3f} | {column(3):.3f} | {ratio(1, 3):.2f} |",
                flush=True,
            )


main()
