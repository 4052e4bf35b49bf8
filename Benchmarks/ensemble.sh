#!/usr/bin/env bash
# How much faster two ranks train an ensemble than one, with one thread each: 8 members of the cement job, a shortened
# form. Prints the seconds of each run and the ratio of the medians. Wants a quiet machine with two cores.
#
#     bash Benchmarks/ensemble.sh [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=${1:-3}
swift build -c release --product tutti >/dev/null
tutti=$(swift build -c release --show-bin-path)/tutti
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

sed -e "s|data/cement.h5|$PWD/jobs/data/cement.h5|g" -e 's/members: 5/members: 8/' -e 's/epochs: 12/epochs: 3/' \
  -e "s|^output:.*|output: results.h5|" jobs/cement.yaml >"$folder/job.yaml"

# Trains the ensemble anew on so many ranks; prints the seconds.
train() {
  rm -rf "$folder"/results*
  local start=$EPOCHREALTIME
  mpirun -n "$1" --bind-to core "$tutti" train "$folder/job.yaml" --threads 1 >/dev/null 2>&1
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f\n", b - a }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

one=() two=()
for ((run = 1; run <= runs; run++)); do
  one+=("$(train 1)") two+=("$(train 2)")
  echo "run $run: 1 rank ${one[-1]} s, 2 ranks ${two[-1]} s"
done
awk -v a="$(printf '%s\n' "${one[@]}" | median)" -v b="$(printf '%s\n' "${two[@]}" | median)" \
  'BEGIN { printf "medians: 1 rank %.2f s, 2 ranks %.2f s: %.2f times as fast\n", a, b, a / b }'
