"""Trains five random sparse networks of DLSIA as jobs/public/fibres.yaml trains Tutti's, and prints how each side tells the scribbled
pixels that did not train.

    python Benchmarks/accuracy/fibres.py jobs/public/fibres.h5 results/fibres.h5 [SEED]

Graphs are drawn by DLSIA's generator with the settings of the job. The same split of scribbles, losses, optimizer, rate, batch, epochs,
patches, flips and quarter turns, on one thread. One JSON object a line: member, parameters, F1 macro, Dice of fibres, seconds of processor
time; then the mean of probabilities; then Tutti's members and ensemble from their results.
"""
import json
import random
import sys
import time

import h5py
import numpy as np
import torch
from dlsia.core.networks import smsnet
from torch.nn.functional import cross_entropy, one_hot

IGNORED, SIDE, WORD = 255, 128, 2**32 - 1


def philox(counter, key):
    """Philox4x32-10, of which Tutti's random numbers are made."""
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [b >> 32 ^ counter[1] ^ key[0], b & WORD, a >> 32 ^ counter[3] ^ key[1], a & WORD]
        key = [key[0] + 0x9E3779B9 & WORD, key[1] + 0xBB67AE85 & WORD]
    return counter


def drawn(height, width, seed=1, block=8):
    """The number in [0, 1) that Tutti's split of pixels draws for each: one for a square of `block` pixels."""
    purpose = 0xCBF29CE484222325
    for byte in b"split":
        purpose = (purpose ^ byte) * 0x100000001B3 % 2**64
    chain = [0] * 4
    for word in (seed, purpose, 0):
        chain = [new ^ old for new, old in zip(philox(chain, [word & WORD, word >> 32]), chain)]
    rows, columns = -(-height // block), -(-width // block)
    draws = [philox([cube, 0, *chain[2:]], chain[:2])[0] / 2**32 for cube in range(rows * columns)]
    return np.kron(np.reshape(draws, (rows, columns)), np.ones((block, block)))[:height, :width]


def scores(predicted):
    """F1 macro and the Dice coefficient of fibres over the test pixels."""
    f1 = [2 * np.sum((predicted == k) & (truth == k)) / (np.sum(predicted == k) + np.sum(truth == k)) for k in range(2)]
    return {"f1_macro": float(np.mean(f1)), "dice_fibre": float(f1[1])}


def loss(output, labels):
    """Cross entropy, and 1 − the Dice coefficient of each class over the batch, of labelled pixels."""
    known = (labels != IGNORED)[:, None]
    probabilities, classes = output.softmax(1) * known, one_hot(labels % IGNORED, 2).movedim(-1, 1) * known
    both, sums = (values.sum((0, 2, 3)) for values in (probabilities * classes, probabilities + classes))
    return cross_entropy(output, labels, ignore_index=IGNORED) + (1 - (2 * both + 1) / (sums + 1)).mean()


def network():
    """A random network; drawn again unless its number of parameters is within those of Tutti's, as the generator loses edges."""
    while True:
        # One edge less than LL_max_degree is the most that leaves a node.
        net = smsnet.random_SMS_network(
            in_channels=1, out_channels=2, layers=12, dilation_choices=[1, 2, 3, 4], hidden_out_channels=[3],
            layer_probabilities={"LL_alpha": 0.5, "LL_gamma": 0, "LL_min_degree": 1, "LL_max_degree": 5, "IL": 0.5, "LO": 0.5, "IO": True},
            network_type="Classification")
        if sizes.min() <= parameters(net) <= sizes.max():
            return net


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def patch(row, column):
    """A patch of image and labels anywhere in a quarter of the image, turned at random."""
    (top, bottom), (left, right) = ((k * n // 2, (k + 1) * n // 2) for k, n in zip((row, column), labels.shape))
    y, x = random.randint(top, bottom - SIDE), random.randint(left, right - SIDE)
    cut = pair[:, y : y + SIDE, x : x + SIDE]
    return torch.rot90(cut if random.random() < 0.5 else cut.flip(-1), random.randrange(4), (-2, -1))


data, results = sys.argv[1:3]
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 0
torch.set_num_threads(1)
with h5py.File(data) as file:
    image, labels = file["images"][0].astype(np.float32), file["labels"][0]
with h5py.File(results) as tutti:
    evaluation, sizes = tutti["entry/evaluation"], tutti["entry/members/parameters"][()]
    members = zip(sizes, evaluation["member_f1_macro"][()], evaluation["member_dice"][()])
    mean = tutti["entry/prediction/mean"][0]
draws = drawn(*labels.shape)
test = (draws >= 0.75) & (labels != IGNORED)
truth = labels[test]
image = torch.from_numpy((image - image.mean()) / image.std())
pair = torch.stack([image, torch.from_numpy(np.where(draws < 0.5, labels, IGNORED).astype(np.float32))])
answers = []
for member in range(5):
    for seeded in (random.seed, np.random.seed, torch.manual_seed):
        seeded(5 * seed + member)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    start = time.process_time()
    for _ in range(150):
        quarters = random.sample([(0, 0), (0, 1), (1, 0), (1, 1)], 4)
        for pairs in (quarters[:2], quarters[2:]):
            batch = torch.stack([patch(*quarter) for quarter in pairs])
            optimizer.zero_grad()
            loss(net(batch[:, :1]), batch[:, 1].long()).backward()
            optimizer.step()
    with torch.no_grad():
        answers.append(net(image[None, None]).softmax(1)[0].numpy())
    print(json.dumps({
        "dlsia": member, "parameters": parameters(net), **scores(answers[-1].argmax(0)[test]),
        "seconds": time.process_time() - start}), flush=True)
print(json.dumps({"dlsia": "ensemble", **scores(np.mean(answers, 0).argmax(0)[test])}))
for member, (size, f1, dice) in enumerate(members):
    print(json.dumps({"tutti": member, "parameters": int(size), "f1_macro": float(f1), "dice_fibre": float(dice[1])}))
print(json.dumps({"tutti": "ensemble", **scores(mean.argmax(0)[test])}))
