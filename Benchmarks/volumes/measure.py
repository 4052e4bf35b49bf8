"""Peak memory of every stage of a job against what `tutti check` says, for volumes of growing size.

    python Benchmarks/volumes/measure.py --sizes 128 256 [--tutti .build/release/tutti] [--folder DIR] [--network unet]

A volume is made from jobs/data/cement.h5 by tiling and noise, slice by slice, so that any size can be made. The job trains as
little as it can: what counts is memory. Prints a Markdown table. Needs h5py and NumPy; 1024 takes 5 GB of disk and a while.
"""

import argparse
import os
import pathlib
import re
import subprocess
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETWORKS = {
    "smsnet": "{family: smsnet, nodes: 4, hidden-channels: [1], dilations: [1, 2]}",
    "msdnet": "{family: msdnet, layers: 6}",
    "unet": "{family: tunet, depth: 4, base-channels: 4}",
}


def make(path, size):
    """A volume of size³: cement, mirrored from block to block, with noise; the labels alike, and a split by slices."""
    with h5py.File(ROOT / "jobs/data/cement.h5") as source:
        images, labels = source["images"][:], source["labels"][:]
    extent = images.shape[0]

    def places():
        place = np.arange(size)
        block, inner = place // extent, place % extent
        return np.where(block % 2 == 0, inner, extent - 1 - inner)

    at = places()
    noise = np.random.default_rng(1)
    scale = 0.05 * images[0].std()
    with h5py.File(path, "w") as file:
        chunk = (1, min(size, 128), min(size, 128))
        out = file.create_dataset("images", (size,) * 3, "f4", chunks=chunk)
        known = file.create_dataset("labels", (size,) * 3, "u1", chunks=chunk)
        for z in range(size):
            out[z] = images[at[z]][np.ix_(at, at)] + noise.normal(0, scale, (size, size)).astype("f4")
            known[z] = labels[at[z]][np.ix_(at, at)]
        # Training is of 32 slices whatever the size; half of the others calibrate.
        split = np.full(size, 2, "u1")
        split[:32] = 0
        split[32 : 32 + (size - 32) // 2] = 1
        file["split"] = split


JOB = """tutti: 1
name: volumes-{size}
task: segmentation
data:
  images: volume-{size}.h5:/images
  labels: volume-{size}.h5:/labels
  volume: true
  classes: [paste, void]
  ignore: 255
  split: {{dataset: volume-{size}.h5:/split, train: 0, calibrate: 1, test: 2}}
  patch: [32, 64, 64]
network: {network}
ensemble: {{members: {members}}}
training: {{epochs: 1, batch: 2}}
uncertainty: {{coverage: [0.9], unit: {unit}}}
output: volume-{size}-{name}.results.h5
"""


def peak(command):
    """Runs a command and gives its peak memory in MB, its seconds and its output."""
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{output}")
    return usage.ru_maxrss * 1024 / 1e6, time.monotonic() - begin, output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--tutti", default=str(ROOT / ".build/release/tutti"))
    parser.add_argument("--folder", default="volumes-benchmark")
    parser.add_argument("--network", choices=sorted(NETWORKS), default="smsnet")
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--unit", default="pixel", help="of calibration: pixel or patch")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    print("| volume | stage | check, MB | peak, MB | peak / check | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in options.sizes:
        data = folder / f"volume-{size}.h5"
        if not data.exists():
            make(data, size)
        job = folder / f"volume-{size}-{options.network}.yaml"
        job.write_text(
            JOB.format(
                size=size, network=NETWORKS[options.network], members=options.members, unit=options.unit,
                name=options.network))
        threads = ["--threads", "1"]
        _, _, text = peak([options.tutti, "check", str(job), *threads])
        line = re.search(r"memory of a rank, about: (.*)", text).group(1)
        said = {verb: float(number) for number, verb in re.findall(r"(\d+) MB to (\w+)", line)}
        for stage in ["train", "calibrate", "predict", "evaluate"]:
            more = ["--overwrite"] if stage == "predict" else []
            megabytes, seconds, _ = peak([options.tutti, stage, str(job), *threads, *more])
            ratio = megabytes / said[stage]
            print(
                f"| {size}³ | {stage} | {said[stage]:.0f} | {megabytes:.0f} | {ratio:.2f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
