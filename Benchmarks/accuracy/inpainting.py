"""Trains DLSIA's U-Net as jobs/public/scattering-unet.yaml trains Tutti's, and writes its answers as results that jobs/public/lines.py
reads beside Tutti's.

    python Benchmarks/accuracy/inpainting.py jobs/public/scattering.h5 results/dlsia-unet.h5 [SEED]
    python jobs/public/lines.py results/scattering-unet.h5 results/dlsia-unet.h5

The same architecture, squares, split, pinball loss on hidden pixels, optimizer, rate, schedule, batch, epochs, flips and quarter turns, on
one thread. Prints one JSON object: seed, parameters, seconds of processor time for training and for answers. Bounds are the network's
quantiles as they are, not calibrated.
"""
import json
import sys
import time

import h5py
import numpy as np
import torch
from dlsia.core.networks import tunet

QUANTILES, EPOCHS, BATCH = torch.tensor([0.05, 0.5, 0.95])[:, None, None], 6, 8

path, output = sys.argv[1:3]
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
with h5py.File(path) as file:
    images, targets, hidden, split = (file[key][()] for key in ("images", "targets", "mask", "split"))
images, hidden = np.log1p(images), hidden != 0
train, test = (torch.from_numpy(np.flatnonzero(split == part)) for part in (0, 2))
images -= images[train].mean((0, 2, 3), keepdims=True)
images /= images[train].std((0, 2, 3), keepdims=True)
known = targets[train][hidden[train]]
mean, deviation = known.mean(), known.std()
squares = torch.from_numpy(np.concatenate([images, ((targets - mean) / deviation)[:, None], hidden[:, None]], 1))


def turned(square):
    """One of the eight symmetries of a square."""
    turns = int(torch.randint(8, ()))
    return torch.rot90(square if turns < 4 else square.flip(-1), turns % 4, (-2, -1))


net = tunet.TUNet(image_shape=(64, 64), in_channels=3, out_channels=3, depth=4, base_channels=8, normalization=None)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
start = time.process_time()
for _ in range(EPOCHS):
    for places in train[torch.randperm(len(train))].split(BATCH):
        batch = torch.stack([turned(squares[place]) for place in places])
        error, mask = batch[:, 3:4] - net(batch[:, :3]), batch[:, 4:]
        optimizer.zero_grad()
        ((torch.maximum(QUANTILES * error, (QUANTILES - 1) * error) * mask).sum() / (3 * mask.sum())).backward()
        optimizer.step()
    schedule.step()
trained = time.process_time()
with torch.no_grad():
    answers = torch.cat([net(squares[places, :3]) for places in test.split(BATCH)]).numpy() * deviation + mean
with h5py.File(output, "w") as results:
    prediction = results.create_group("entry/prediction")
    prediction["indices"] = test.numpy()
    for channel, key in enumerate(["lower", "mean", "upper"]):
        prediction[key] = answers[:, channel]
print(json.dumps({
    "seed": seed, "parameters": sum(p.numel() for p in net.parameters()), "training_seconds": trained - start,
    "answer_seconds": time.process_time() - trained}))
