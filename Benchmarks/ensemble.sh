#!/usr/bin/env bash
# How much faster two ranks train an ensemble than one, with one thread each: 8 members of the cement job, a shortened
# form. Wants a quiet machine with two cores.
#
#     bash Benchmarks/ensemble.sh [RUNS]
#
# Each run (3) trains it three times: on one rank; on two ranks; and by two programs that know nothing of each other, a core
# each, which shows what the machine gives when both cores work. The last line is the medians over the runs of
#
# - one rank's time over two ranks' time;
# - the same as a part of what two programs reach, whose ratio is twice one rank's time over theirs.
#
# EPOCHS (4) makes the job longer, TUTTI names a program that is built already.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
runs=${1:-3}

for name in a b; do
  mkdir "$folder/$name"
  sed -e "s|data/cement.h5|$PWD/jobs/data/cement.h5|g" -e 's/members: 5/members: 8/' \
    -e "s/epochs: 12/epochs: ${EPOCHS:-4}/" -e "s|^output:.*|output: results.h5|" jobs/cement.yaml >"$folder/$name/job.yaml"
done

# Trains the ensemble of a folder anew, by the command that is given.
train() {
  local job=$folder/$1
  shift
  rm -rf "$job"/results*
  "$@" "$tutti" train "$job/job.yaml" --threads 1 >"$job/log" 2>&1 || { cat "$job/log" >&2; exit 1; }
}
both() {
  train a taskset -c "${cores[0]}" mpirun -n 1 --bind-to none &
  local first=$!
  train b taskset -c "${cores[1]}" mpirun -n 1 --bind-to none
  wait "$first"
}
# Prints the seconds that a command takes.
seconds() {
  local start=$EPOCHREALTIME
  "$@"
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f\n", b - a }'
}
divide() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'; }
middle() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

mapfile -t cores < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{ for (i = $1; i <= ($2 ? $2 : $1); i++) print i }')
if ((${#cores[@]} < 2)); then
  echo "Benchmarks/ensemble.sh: two cores are needed" >&2
  exit 2
fi
ratios=() parts=()
for ((run = 1; run <= runs; run++)); do
  one=$(seconds train a mpirun -n 1 --bind-to core)
  two=$(seconds train a mpirun -n 2 --bind-to core)
  apart=$(seconds both)
  ratios+=("$(divide "$one" "$two")")
  parts+=("$(divide "$(divide "$apart" "$two")" 2)")
  echo "run $run: 1 rank $one s, 2 ranks $two s (${ratios[-1]} times as fast), 2 programs $apart s (${parts[-1]} of theirs)"
done
echo "2 ranks are $(middle "${ratios[@]}") times as fast as 1, $(middle "${parts[@]}") of what the machine gives"
