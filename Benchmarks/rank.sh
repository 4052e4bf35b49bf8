#!/usr/bin/env bash
# Whether one rank under mpirun, given as many cores, trains as fast as the program alone: whole training steps on THREADS (2)
# threads, batch normalization over the batch, RUNS (3) times each in turn; writes a Markdown table of medians to the
# standard output. The rank has MPI up and takes part in an exchange of gradients with nobody. Wants a quiet machine.
#
#     bash Benchmarks/rank.sh > table.md
#
# NETWORKS chooses among the networks of Benchmarks/run.sh, REPETITIONS (7) are timed in a run, TUTTI names a program that is
# built already.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
threads=${THREADS:-2}
repetitions=${REPETITIONS:-7}

echo "| network | threads | alone, ms | one rank under mpirun, ms | rank over alone |"
echo "| --- | --- | --- | --- | --- |"
for network in ${NETWORKS:-tunet msdnet30-planes}; do
  : >"$folder/alone" >"$folder/rank"
  for ((run = 1; run <= ${RUNS:-3}; run++)); do
    common=(--network "$network" --threads "$threads" --repetitions "$repetitions" --json)
    "$tutti" bench step "${common[@]}" --batch 4 >>"$folder/alone"
    mpirun -n 1 --map-by "slot:PE=$threads" --bind-to core \
      "$tutti" bench parallel "${common[@]}" --batch-per-rank 4 >>"$folder/rank"
  done
  awk -v network="$network" -v threads="$threads" -v alone="$(median median_s <"$folder/alone")" \
    -v rank="$(median batch_scope_step_s <"$folder/rank")" \
    'BEGIN { printf "| %s | %d | %.1f | %.1f | %.2f |\n", network, threads, 1000 * alone, 1000 * rank, rank / alone }'
done
