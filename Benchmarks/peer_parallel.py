"""Times data-parallel training steps on PyTorch (DistributedDataParallel over gloo): the peer of `tutti bench parallel`.

    python -m torch.distributed.run --nproc-per-node 2 Benchmarks/peer_parallel.py --network tunet [--batch-per-rank 2]

Every process has one thread. Rank 0 prints one JSON object with the keys of `tutti bench parallel --json` that it can know.
Steps with and without exchange (`no_sync`) take turns; the efficiency is the median of their ratios.
"""
import argparse
import contextlib
import json
import statistics
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from peer_step import NETWORKS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, required=True)
    parser.add_argument("--side", type=int)
    parser.add_argument("--batch-per-rank", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    torch.manual_seed(dist.get_rank())
    dimensions = 3 if "3d" in options.network else 2
    extents = (options.side or (32 if dimensions == 3 else 128),) * dimensions
    network = DistributedDataParallel(NETWORKS[options.network](extents))
    images = torch.randn(options.batch_per_rank, 1, *extents)
    labels = torch.randint(0, 2, (options.batch_per_rank, *extents))
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-3), nn.CrossEntropyLoss()

    def step(exchanges):
        dist.barrier()
        start = time.perf_counter()
        optimizer.zero_grad()
        with contextlib.nullcontext() if exchanges else network.no_sync():
            loss(network(images), labels).backward()
        optimizer.step()
        seconds = torch.tensor(time.perf_counter() - start)
        dist.all_reduce(seconds, dist.ReduceOp.MAX)
        return float(seconds)

    times = [(step(True), step(False)) if turn % 2 else (step(False), step(True))[::-1]
             for turn in range(options.repetitions + 2)][2:]
    if dist.get_rank() == 0:
        print(json.dumps({
            "network": options.network, "ranks": dist.get_world_size(), "batch_per_rank": options.batch_per_rank,
            "step_s": statistics.median(a for a, _ in times), "alone_s": statistics.median(b for _, b in times),
            "efficiency": statistics.median(b / a for a, b in times)}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
