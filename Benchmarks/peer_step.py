"""Times training steps or predictions of one network on PyTorch, with the networks of DLSIA: the peer of `tutti bench step`.

    python Benchmarks/peer_step.py --network tunet --threads 1 [--side 128] [--batch 4] [--forward] [--precision bfloat16] [--repetitions 7]

Prints one JSON object with the keys of `tutti bench step --json` that it can know. Needs torch, dlsia (0.3.4, installed
with --no-deps) and what dlsia imports: einops, networkx, scipy, plotly, matplotlib, tqdm, h5py.
"""
import argparse
import json
import random
import resource
import time

import numpy as np
import torch
from torch import nn


def smsnet():
    """The network of Tests/Fixtures/smsnet.json, which this generator wrote from the same seed."""
    from dlsia.core.networks.smsnet import random_SMS_network
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    probabilities = {"LL_alpha": 0.5, "LL_gamma": 0.0, "LL_max_degree": 10, "LL_min_degree": 2,
                     "IL": 0.5, "LO": 0.5, "IO": True}
    return random_SMS_network(
        in_channels=1, out_channels=2, layers=20, dilation_choices=[1, 2, 3, 4], hidden_out_channels=[3],
        layer_probabilities=probabilities, sizing_settings=None, dilation_mode="Edges",
        network_type="Classification")


def tunet(extents, depth, base_channels):
    from dlsia.core.networks.tunet import TUNet
    volumetric = {} if len(extents) == 2 else {
        "conv_kernel": nn.Conv3d, "kernel_down": nn.MaxPool3d, "kernel_up": nn.ConvTranspose3d,
        "normalization": nn.BatchNorm3d}
    return TUNet(image_shape=extents, in_channels=1, out_channels=2, depth=depth, base_channels=base_channels,
                 growth_rate=2, hidden_rate=1, **volumetric)


def tunet3plus(extents, depth, base_channels):
    from dlsia.core.networks.tunet3plus import TUNet3Plus
    network = TUNet3Plus(image_shape=extents, in_channels=1, out_channels=2, depth=depth,
                         base_channels=base_channels, carryover_channels=base_channels)
    for level in range(1, depth - 1):  # made and trained by DLSIA, but never run
        delattr(network, f"Decode_{level}")
    return network


def msdnet(extents, layers, max_dilation):
    """DLSIA's: the whole stack of planes is activated and normalized after every layer."""
    from dlsia.core.networks.msdnet import MixedScaleDenseNetwork
    volumetric = {} if len(extents) == 2 else {"convolution": nn.Conv3d, "normalization": nn.BatchNorm3d}
    return MixedScaleDenseNetwork(in_channels=1, out_channels=2, num_layers=layers, max_dilation=max_dilation,
                                  **volumetric)


class MixedScaleDense(nn.Module):
    """The paper's: every new plane is convolved, activated and normalized once."""

    def __init__(self, extents, layers, max_dilation):
        super().__init__()
        conv, norm = (nn.Conv2d, nn.BatchNorm2d) if len(extents) == 2 else (nn.Conv3d, nn.BatchNorm3d)
        dilations = [layer % max_dilation + 1 for layer in range(layers)]
        self.layers = nn.ModuleList(
            nn.Sequential(conv(1 + layer, 1, 3, padding=dilation, dilation=dilation), nn.ReLU(), norm(1))
            for layer, dilation in enumerate(dilations))
        self.last = conv(1 + layers, 2, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat((x, layer(x)), 1)
        return self.last(x)


NETWORKS = {
    "tunet": lambda extents: tunet(extents, 4, 32),
    "tunet-large": lambda extents: tunet(extents, 5, 64),
    "tunet3d": lambda extents: tunet(extents, 3, 16),
    "tunet3plus": lambda extents: tunet3plus(extents, 4, 16),
    "smsnet": lambda extents: smsnet(),
    "msdnet30": lambda extents: msdnet(extents, 30, 10),
    "msdnet100": lambda extents: msdnet(extents, 100, 10),
    "msdnet3d": lambda extents: msdnet(extents, 20, 5),
    "msdnet30-planes": lambda extents: MixedScaleDense(extents, 30, 10),
    "msdnet100-planes": lambda extents: MixedScaleDense(extents, 100, 10),
    "msdnet3d-planes": lambda extents: MixedScaleDense(extents, 20, 5),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, required=True)
    parser.add_argument("--side", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--forward", action="store_true", help="time predictions instead of training steps")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32",
                        help="of training steps; bfloat16 is torch.autocast")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    dimensions = 3 if "3d" in options.network else 2
    extents = (options.side or (32 if dimensions == 3 else 128),) * dimensions
    batch = options.batch or (2 if dimensions == 3 else 4)
    network = NETWORKS[options.network](extents)
    images = torch.randn(batch, 1, *extents)
    labels = torch.randint(0, 2, (batch, *extents))
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def train():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bfloat16"):
            value = loss(network(images), labels)
        value.backward()
        optimizer.step()

    def predict():
        with torch.no_grad():
            network(images)

    if options.forward:
        network.eval()
    step = predict if options.forward else train
    times = []
    for _ in range(2 + options.repetitions):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times = sorted(times[2:])
    print(json.dumps({
        "network": options.network, "pass": "forward" if options.forward else "training",
        "precision": options.precision,
        "parameters": sum(p.numel() for p in network.parameters()), "side": extents[0], "batch": batch,
        "threads": options.threads, "repetitions": len(times), "median_s": times[len(times) // 2], "min_s": times[0],
        "peak_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
