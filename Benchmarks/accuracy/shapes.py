"""Trains DLSIA's autoencoder as jobs/shapes-autoencoder.yaml trains Tutti's, and prints how each correlates with the clean test images.

    python shapes.py jobs/data/shapes-many.h5 results/shapes-autoencoder.h5 SEEDS [THREADS]

The same architecture, images, test part, loss, optimizer, rates, batch, epochs and flips; six tenths of the images train, another tenth
says which epoch's weights are kept. One JSON object a line: seed, parameters, Pearson's correlation over all test pixels,
share of test images whose nearest neighbour in the latent values is of their kind, seconds; then both ensembles' means.
"""
import json
import sys
import time

import h5py
import numpy as np
import torch
from dlsia.core.networks import msae

data, results, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
with h5py.File(data) as file, h5py.File(results) as tutti:
    noisy, clean, kinds = (file[key][()] for key in ("images", "clean", "kinds"))
    test, answer = tutti["entry/prediction/indices"][()], tutti["entry/prediction/mean"][()]
clean, kinds = clean.reshape(len(clean), 1, 32, 32), kinds.ravel()
others = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(len(noisy)), test))
train, validate = np.split(others[: len(noisy) * 7 // 10], [len(noisy) * 6 // 10])
mean, deviation = noisy[train].mean(), noisy[train].std()
images = torch.from_numpy(((noisy - mean) / deviation).astype(np.float32).reshape(clean.shape))

turned = torch.stack([torch.rot90(way, turn, (-2, -1)) for way in (images, images.flip(-1)) for turn in range(4)])


def purity(latent):
    apart = torch.cdist(latent, latent).fill_diagonal_(torch.inf)
    return float((kinds[test][apart.argmin(1).numpy()] == kinds[test]).mean())


def pearson(reconstruction):
    return float(np.corrcoef(reconstruction.ravel(), clean[test].ravel())[0, 1])


reconstructions = []
for seed in range(seeds):
    torch.manual_seed(seed)
    net = msae.MSAE((1, 32, 32), depth=4, base_channels=16, growth_rate=1.5, latent_dimension=16, max_dilation=1, MS_depth=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    epochs, batch, best = 30, 8, (np.inf, None)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(train) // batch))
    start = time.perf_counter()
    for _ in range(epochs):
        net.train()
        for places in torch.from_numpy(train)[torch.randperm(len(train))].split(batch):
            samples = turned[torch.randint(8, (len(places),)), places]
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(net(samples), samples).backward()
            optimizer.step()
            schedule.step()
        net.eval()
        with torch.no_grad():
            loss = float(torch.nn.functional.mse_loss(net(images[validate]), images[validate]))
        if loss < best[0]:
            best = loss, {key: value.clone() for key, value in net.state_dict().items()}
    seconds = time.perf_counter() - start
    net.load_state_dict(best[1])
    with torch.no_grad():
        latent = net.encoder(images[test])
        reconstructions.append(net.decoder(latent).numpy())
    print(json.dumps({
        "seed": seed, "parameters": sum(p.numel() for p in net.parameters()), "pearson": pearson(reconstructions[-1]),
        "purity": purity(latent), "seconds": seconds}), flush=True)
print(json.dumps({"dlsia_mean": pearson(np.mean(reconstructions, 0)), "tutti_mean": pearson(answer)}))
