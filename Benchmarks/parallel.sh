#!/usr/bin/env bash
# How well two ranks of one thread train one network together, beside the peer (PyTorch's DistributedDataParallel over gloo)
# when a Python that has it is named; writes a Markdown table to the standard output. Wants a quiet machine with two cores.
#
#     bash Benchmarks/parallel.sh [PYTHON] > table.md
#
# Program and peer run alternately, RUNS times each (3), REPETITIONS rounds a run (9); figures are medians over the runs.
# NETWORKS chooses among the networks of Benchmarks/run.sh, TUTTI names a program that is built already.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
python=${1:-}
runs=${RUNS:-3}
repetitions=${REPETITIONS:-9}

echo "| network | step, ms | efficiency | normalized by the batch | exact sum over MPI_Iallreduce | peer's step, ms | peer's efficiency | ratio of steps |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
for network in ${NETWORKS:-tunet tunet-large}; do
  : >"$folder/ours" >"$folder/peer"
  common=(--network "$network" --batch-per-rank 2 --repetitions "$repetitions")
  for ((run = 1; run <= runs; run++)); do
    mpirun -n 2 --bind-to core "$tutti" bench parallel "${common[@]}" --json >>"$folder/ours"
    [[ -z $python ]] || "$python" -m torch.distributed.run --nproc-per-node 2 Benchmarks/peer_parallel.py "${common[@]}" \
      >>"$folder/peer" 2>"$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
  done
  get() { median "$2" <"$folder/$1"; }
  line=$(awk -v s="$(get ours step_s)" -v e="$(get ours efficiency)" -v b="$(get ours batch_scope_efficiency)" \
    -v x="$(get ours exactness_cost)" 'BEGIN { printf "%.0f | %.3f | %.3f | %+.1f %%", 1000 * s, e, b, 100 * x }')
  peer="– | – | –"
  [[ -z $python ]] || peer=$(awk -v s="$(get peer step_s)" -v e="$(get peer efficiency)" -v o="$(get ours step_s)" \
    'BEGIN { printf "%.0f | %.3f | %.2f", 1000 * s, e, s / o }')
  echo "| $network | $line | $peer |"
done
