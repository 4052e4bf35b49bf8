#!/usr/bin/env bash
# Times every network's training step and prediction on 1 and 2 threads, beside the peer (DLSIA on PyTorch) when a Python
# that has it is named, and writes a Markdown table to the standard output. Wants a quiet machine with two cores.
#
#     bash Benchmarks/run.sh [PYTHON] > table.md
#
# Program and peer run alternately, RUNS times each (3), REPETITIONS steps a run (5); the figures are medians over the runs'
# medians, the ratio is the peer's time over ours. NETWORKS, THREADS and PASSES choose among what is timed, PRECISION=bfloat16
# times training steps in mixed precision:
#
#     NETWORKS="tunet smsnet" THREADS=1 PASSES=training bash Benchmarks/run.sh PYTHON
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python=${1:-}
runs=${RUNS:-3}
repetitions=${REPETITIONS:-5}
networks=${NETWORKS:-tunet tunet-large tunet3d tunet3plus smsnet msdnet30 msdnet100 msdnet3d msdnet30-planes msdnet100-planes msdnet3d-planes}
threads=${THREADS:-1 2}
passes=${PASSES:-training forward}
precision=${PRECISION:-float32}

if [[ -n $python ]] && ! "$python" -c 'import torch, dlsia' 2>/dev/null; then
  echo "Benchmarks/run.sh: $python cannot import torch and dlsia; Benchmarks/README.md says how to install them" >&2
  exit 2
fi
divide() { awk -v a="$1" -v b="$2" -v digits="$3" 'BEGIN { printf "%.*f", digits, a / b }'; }
round() { awk -v a="$1" -v factor="$2" -v digits="$3" 'BEGIN { printf "%.*f", digits, a * factor }'; }

processor=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
echo "$(date -u +%Y-%m-%d), $processor, commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
echo
echo "| network | pass | threads | ours, ms | GFLOP/s | share of peak | MiB | peer, ms | peer, MiB | ratio |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
for network in $networks; do
  edges=()
  if [[ $network == smsnet ]]; then edges=(--edges Tests/Fixtures/smsnet.json); fi
  for pass in $passes; do
    forward=()
    if [[ $pass == forward ]]; then forward=(--forward); fi
    for count in $threads; do
      : >"$folder/ours" >"$folder/peer"
      common=(--network "$network" --threads "$count" --repetitions "$repetitions" --precision "$precision"
        "${forward[@]}")
      for ((run = 1; run <= runs; run++)); do
        "$tutti" bench step "${common[@]}" "${edges[@]}" --json >>"$folder/ours"
        if [[ -n $python ]]; then "$python" Benchmarks/peer_step.py "${common[@]}" >>"$folder/peer" 2>"$folder/errors" ||
          { cat "$folder/errors" >&2; exit 1; }; fi
      done
      ours=$(median median_s <"$folder/ours")
      line="| $network | $pass | $count | $(round "$ours" 1000 1) | $(round "$(median gflops <"$folder/ours")" 1 1)"
      line+=" | $(round "$(median share_of_peak <"$folder/ours")" 100 0) %"
      line+=" | $(round "$(median peak_MiB <"$folder/ours")" 1 0)"
      if [[ -n $python ]]; then
        if [[ $(median parameters <"$folder/ours") != "$(median parameters <"$folder/peer")" ]]; then
          echo "Benchmarks/run.sh: $network: the peer has another number of parameters" >&2
          exit 1
        fi
        peer=$(median median_s <"$folder/peer")
        line+=" | $(round "$peer" 1000 1) | $(round "$(median peak_MiB <"$folder/peer")" 1 0)"
        line+=" | $(divide "$peer" "$ours" 2) |"
      else
        line+=" | – | – | – |"
      fi
      echo "$line"
    done
  done
done
