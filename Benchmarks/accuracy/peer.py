"""Trains DLSIA's network of one comparison with so many seeds and prints each seed's scores on the test images.

    python peer.py nuclei|membranes DATA.h5 SEEDS [THREADS]

One JSON object a line: seed, parameters, F1 micro and macro (pooled over all test pixels), seconds of training.
"""
import json
import sys
import time

import h5py
import numpy as np
import torch
from dlsia.core.networks import msdnet, tunet
from dlsia.core.train_scripts import train_segmentation
from torch.utils.data import DataLoader, TensorDataset

# The settings of nuclei.yaml and membranes.yaml.
SETTINGS = {
    "nuclei": dict(classes=3, epochs=8, batch=4, rate=1e-3, build=lambda: tunet.TUNet(
        image_shape=(256, 256), in_channels=1, out_channels=3, depth=3, base_channels=16, growth_rate=2, hidden_rate=1)),
    "membranes": dict(classes=2, epochs=6, batch=4, rate=1e-2, build=lambda: msdnet.MixedScaleDenseNetwork(
        in_channels=1, out_channels=2, num_layers=20, max_dilation=10)),
}


def scores(confusion):
    true = np.diag(confusion)
    f1 = 2 * true / (confusion.sum(0) + confusion.sum(1))
    return float(true.sum() / confusion.sum()), float(f1.mean())


name, path, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
settings = SETTINGS[name]
with h5py.File(path) as file:
    images, labels, split = (file[key][()] for key in ("images", "labels", "split"))
images = images.astype(np.float32)
training = images[split == 0]
images = torch.from_numpy((images - training.mean()) / training.std())[:, None]
labels = torch.from_numpy(labels.astype(np.int64))[:, None]
train, test = torch.from_numpy(split == 0), torch.from_numpy(split == 2)
for seed in range(seeds):
    torch.manual_seed(seed)
    net = settings["build"]()
    loader = DataLoader(
        TensorDataset(images[train], labels[train]), batch_size=settings["batch"], shuffle=True)
    start = time.perf_counter()
    net, _ = train_segmentation(
        net, loader, None, settings["epochs"], torch.nn.CrossEntropyLoss(),
        torch.optim.Adam(net.parameters(), lr=settings["rate"]), "cpu")
    seconds = time.perf_counter() - start
    net.eval()
    confusion = np.zeros((settings["classes"],) * 2)
    with torch.no_grad():
        for image, label in zip(images[test], labels[test]):
            predicted = net(image[None]).argmax(1)
            pairs = label.numpy().ravel() * settings["classes"] + predicted.numpy().ravel()
            confusion += np.bincount(pairs, minlength=confusion.size).reshape(confusion.shape)
    micro, macro = scores(confusion)
    print(json.dumps({
        "seed": seed, "parameters": sum(p.numel() for p in net.parameters()), "f1_micro": micro, "f1_macro": macro,
        "seconds": seconds}), flush=True)
