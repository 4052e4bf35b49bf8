"""Reference values for figures of probabilities, sets and spreads, and for how members are combined: confidence.h5.

    pip install numpy h5py scipy scikit-learn mapie==1.6.0
    python generate_confidence.py --seed 11 --out .

confidence/N   probabilities [pixel, class] (float32), spreads [pixel, class], labels; expected calibration error over 16 bins
               of equal width (numpy, checked against MAPIE's), over 16 bins of equal mass (numpy), Brier score and negative
               log-likelihood (scikit-learn), area under risk and coverage (mean of the risks of the n prefixes, surest first;
               numpy), AUROC of error detection by the spread of the likeliest class (scikit-learn); temperature with the
               least negative log-likelihood (scipy), and that likelihood.
sets           sets [pixel, class], labels, level; coverage by size of the set (MAPIE's classification_ssc), mean distance of
               the classes' coverages to the level (numpy).
slab           features [pixel, feature], covered, directions, share; the slab with the least coverage over all slabs of at
               least that share (every pair of ends, numpy): low, high, coverage.
spread         errors and spreads of values; Pearson's correlation (scipy), area under the mean error of the n prefixes with the
               least spread first, and the sparsification error against the order of the errors (numpy).
raps/N         probabilities, labels, level; k and lambda by appendix E of arXiv 2009.14193 (numpy, as the authors' code: scores
               without randomisation, the smallest mean size over the grid).
weights        probabilities of members [pixel, member, class], labels; weights by stacking of each class (scipy's SLSQP),
               by greedy selection with replacement over 50 steps (numpy), inverse to the negative log-likelihood.
"""
import numpy as np
from mapie.metrics.calibration import expected_calibration_error
from mapie.metrics.classification import classification_ssc
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import pearsonr
from sklearn.metrics import log_loss, roc_auc_score

from references import references

rng, f, put = references("confidence", packed=True)


def softmax(z):
    p = np.exp(z - z.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def drawn(n, c, sharp):
    """Probabilities that are too sharp by a factor, and labels drawn by the right ones."""
    z = rng.normal(size=(n, c)) * 1.5
    right = softmax(z)
    y = np.array([rng.choice(c, p=q) for q in right])
    return softmax(z * sharp).astype(np.float32), y


def prefix_area(losses, order):
    """The mean over k of the mean loss of the first k."""
    return (np.cumsum(losses[order]) / np.arange(1, len(order) + 1)).mean()


for case, (n, c, sharp) in enumerate([(2000, 3, 1.0), (1200, 5, 2.5), (1500, 2, 0.4)]):
    p, y = drawn(n, c, sharp)
    q = p.astype(np.float64)
    confidence, right = q.max(1), (q.argmax(1) == y).astype(int)
    bins = np.minimum((confidence * 16).astype(int), 15)
    ece = sum(abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(16)) / n
    theirs = expected_calibration_error(right, confidence, num_bins=16, split_strategy="uniform")
    other = expected_calibration_error(right, confidence, num_bins=17, split_strategy="uniform")
    assert min(abs(theirs - ece), abs(other - ece)) < 1e-12, (ece, theirs, other)
    order = np.argsort(confidence, kind="stable")
    mass = sum(abs(right[b].sum() - confidence[b].sum()) for b in np.array_split(order, 16)) / n
    spreads = (rng.gamma(2, 0.02, (n, c)) + 0.1 * (1 - q)).astype(np.float32)
    own = spreads[np.arange(n), q.argmax(1)]
    truth = np.eye(c)[y]
    nll = lambda t: log_loss(y, softmax(np.log(np.maximum(q, 1e-12)) / t), labels=np.arange(c))
    best = minimize_scalar(lambda s: nll(np.exp(s)), bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    put(f"confidence/{case}", probabilities=p, spreads=spreads, labels=y, calibration_error=ece,
        adaptive_calibration_error=mass, brier=((q - truth) ** 2).sum(1).mean(),
        negative_log_likelihood=log_loss(y, q / q.sum(1, keepdims=True), labels=np.arange(c)),
        risk_area=prefix_area(1 - right, np.argsort(-confidence, kind="stable")),
        error_detection=roc_auc_score(1 - right, own), temperature=np.exp(best.x), scaled_likelihood=best.fun)

n, c = 900, 4
p, y = drawn(n, c, 1.0)
sets = p >= np.quantile(p[np.arange(n), y], 0.15)
covered = sets[np.arange(n), y]
put("sets", sets=sets, labels=y, level=0.85, coverage_by_size=classification_ssc(y, sets[:, :, None])[0],  # NaN: no such set
   
    class_gap=np.mean([abs(covered[y == k].mean() - 0.85) for k in range(c)]))

n, d, share = 240, 3, 0.1
x = rng.normal(size=(n, d))
covered = rng.uniform(size=n) < 0.95 - 0.6 * (np.abs(x @ [0.6, 0, 0.8] - 1) < 0.4)
directions = rng.normal(size=(12, d))
best, least = (2, 0, 0), max(1, round(share * n))
for v in directions:
    z = x @ v
    order = np.argsort(z, kind="stable")
    total = np.concatenate([[0], np.cumsum(covered[order])])
    for i in range(n - least + 1):
        for j in range(i + least, n + 1):
            value = (total[j] - total[i]) / (j - i)
            if value < best[0] - 1e-15:
                best = (value, z[order[i]], z[order[j - 1]])
put("slab", features=x, covered=covered, directions=directions, share=share, coverage=best[0], low=best[1], high=best[2])

n = 1500
spread = rng.gamma(2, 0.3, n).astype(np.float32)
error = np.abs(spread * rng.normal(size=n)).astype(np.float32)
e = error.astype(np.float64)
area, ideal = prefix_area(e, np.argsort(spread, kind="stable")), prefix_area(e, np.argsort(e, kind="stable"))
put("spread", errors=error, spreads=spread, correlation=pearsonr(e, spread.astype(np.float64))[0], risk_area=area,
    sparsification_error=(area - ideal) / e.mean())

for case, (n, c, sharp, level) in enumerate([(400, 6, 0.5, 0.9), (150, 12, 0.3, 0.8)]):
    p, y = drawn(n, c, sharp)
    q = p.astype(np.float64)
    # Sorted from the likeliest class on: cumulative probabilities and the place of the true class.
    order = np.argsort(-q, axis=1, kind="stable")
    total = np.cumsum(np.take_along_axis(q, order, 1), 1)
    place = (order == y[:, None]).argmax(1)
    rank = int(np.ceil((n + 1) * level))
    k = np.sort(place + 1)[rank - 1]
    sizes = []
    for penalty in (0.001, 0.01, 0.1, 0.2, 0.5):
        scores = total + penalty * np.maximum(0, np.arange(1, c + 1) - k)
        threshold = np.sort(scores[np.arange(n), place])[rank - 1]
        sizes.append((scores <= threshold + 1e-9).sum(1).mean())
    put(f"raps/{case}", probabilities=p, labels=y, level=level, k=k, sizes=sizes,
        penalty=(0.001, 0.01, 0.1, 0.2, 0.5)[int(np.argmin(sizes))])

n, m, c = 500, 4, 3
z = rng.normal(size=(n, c)) * 1.5
y = np.array([rng.choice(c, p=q) for q in softmax(z)])
p = np.stack([softmax(z + rng.normal(size=(n, c)) * s) for s in (0.5, 1.0, 1.5, 4.0)], 1).astype(np.float32)
q = p.astype(np.float64)
stacked = []
for label in range(c):
    x, t = q[:, :, label], (y == label).astype(float)
    found = minimize(lambda w: ((x @ w - t) ** 2).mean(), np.full(m, 1 / m), jac=lambda w: 2 * x.T @ (x @ w - t) / n,
                     bounds=[(0, 1)] * m, constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(m)},
                     method="SLSQP", options={"ftol": 1e-15, "maxiter": 1000})
    stacked.append(found.x)
true = q[np.arange(n), :, y]
counts, path = np.zeros(m), []
for step in range(1, 51):
    losses = [-np.log((true @ (counts + np.eye(m)[i])) / step).mean() for i in range(m)]
    counts[int(np.argmin(losses))] += 1
    path.append((min(losses), counts / step))
alone = 1 / -np.log(true).mean(0)
put("weights", probabilities=p, labels=y, stacking=stacked, greedy=min(path, key=lambda s: s[0])[1], validation=alone / alone.sum())
f.close()
