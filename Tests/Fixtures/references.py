"""The file of reference values that a script here writes: what all scripts take as arguments and put into it."""
import argparse

import h5py
import numpy as np


def references(name, packed=False):
    """Random numbers of the seed that the command line names, the file, and what puts arrays into a group of it.

    packed: arrays of more than 2 kB are packed.
    """
    a = argparse.ArgumentParser()
    a.add_argument("--seed", type=int, default=11)
    a.add_argument("--out", default=".")
    a = a.parse_args()
    f = h5py.File(f"{a.out}/{name}.h5", "w")

    def put(path, **arrays):
        g = f.require_group(path)
        for k, v in arrays.items():
            v = np.asarray(v)
            g.create_dataset(k, data=v, compression="gzip" if packed and v.nbytes > 2048 else None)

    return np.random.default_rng(a.seed), f, put
