#!/usr/bin/env bash
# usage: bash Tests/faults.sh [--runs N] [--seed S]
#        bash Tests/faults.sh --every-call [RANKS[:FIRST]…]
#
# The first form starts a small job N times (20), each time on 1 to 4 ranks, and hits it at a random moment: one rank or the
# whole job, by SIGKILL, SIGTERM, SIGSEGV, or SIGSTOP and later SIGKILL, a disk that is full from some call on, or SIGKILL in the
# middle of a call that writes. It is then started again, with another number of ranks, until it is done. Members, calibration and
# results must have the bits of a run that nothing struck; a run that does not end is a failure. What is done is a function of
# the seed (1), when it happens depends on the machine. TUTTI names the program (.build/release/tutti).
#
# The second form runs the job while one of its calls that write files fails, for every call of every rank, on each of these
# numbers of ranks (1 2 3): on one rank in every way to fail, on more in the ways in turn. 2:50 begins with call 50.
# Takes an hour; Tests/run.sh tries some calls.
#
# Prints what Tests/run.sh prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == --every-call ]]; then
  shift
  export TUTTI_FAULTS="${*:-1 2 3}"
  export TUTTI_TEST_TIMEOUT="${TUTTI_TEST_TIMEOUT:-20000}"
  exec bash Tests/run.sh --filter 'EndToEndFailingWritesTests.all'
fi

runs=20 seed=1
while (($#)); do
  case $1 in
    --runs) runs=$2 ;;
    --seed) seed=$2 ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
tutti=${TUTTI:-$PWD/.build/release/tutti}
[[ -x $tutti ]] || { echo "Tests/faults.sh: there is no $tutti; build it, or set TUTTI" >&2; exit 2; }
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
RANDOM=$seed
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Far more than a start takes (some three seconds), for machines that have other work.
limit=300
failures=0
declare -A count=()

cc -shared -fPIC -O1 -o "$folder/shim.so" Tests/Faults/failing_writes.c -ldl

# A job of two small members, with a checkpoint every few steps. Its files are in a folder of its own.
write_job() {
  mkdir -p "$1"
  cat >"$1/job.yaml" <<TEXT
tutti: 1
name: faults
task: segmentation
data:
  images: "$PWD/jobs/data/cement.h5:/images[:, 0:64, 0:64]"
  labels: "$PWD/jobs/data/cement.h5:/labels[:, 0:64, 0:64]"
  volume: true
  classes: [paste, void]
  split: {dataset: $PWD/jobs/data/cement.h5:/split, train: 0, calibrate: 1, test: 2}
  patch: [8, 32, 32]
network: {family: smsnet, nodes: 2, hidden-channels: [2], dilations: [1, 2]}
ensemble: {members: 3, ranks-per-member: ${2:-1}}
training: {epochs: 3, batch: 4, shards: 4, optimizer: {name: adam, rate: 0.005}, seed: 1, checkpoint-steps: 5}
uncertainty: {coverage: [0.9]}
output: results/result.h5
TEXT
}

# start FOLDER RANKS [NAME=VALUE…]: starts the job in the background, as $launcher.
start() {
  local at=$1 ranks=$2
  shift 2
  if ((ranks == 1)); then
    env "$@" timeout --kill-after=5 $limit "$tutti" run "$at/job.yaml" --threads 1 >>"$at/log" 2>&1 &
  else
    timeout --kill-after=5 $limit mpirun -n "$ranks" --oversubscribe --bind-to none env "$@" "$tutti" run "$at/job.yaml" --threads 1 >>"$at/log" 2>&1 &
  fi
  launcher=$!
  began=$SECONDS
}

# Waits for it: its status, and whether it had to be ended because it did not end.
finish() {
  status=0
  wait "$launcher" || status=$?
  ((SECONDS - began < limit)) || hangs=$((hangs + 1))
}

# The processes of the job, in the order of ranks.
ranks_of() { pgrep -f "^$tutti run $1/job.yaml" || true; }

random() { echo $((RANDOM * 32768 + RANDOM)); }

write_job "$folder/reference"
begin=$(date +%s%N)
start "$folder/reference" 1 TUTTI_NOTHING=1
wait "$launcher" || { cat "$folder/reference/log"; echo "Test run with 1 tests failed"; exit 1; }
length=$((($(date +%s%N) - begin) / 1000000))  # ms
mkdir -p "$folder/calls"
write_job "$folder/calls"
start "$folder/calls" 1 LD_PRELOAD="$folder/shim.so" FAULT_FOLDER="$folder/calls/results" FAULT_COUNT="$folder/calls/count"
wait "$launcher"
calls=$(sort -n "$folder/calls/count" | tail -1)

# What differs from the reference.
difference() {
  local name
  for name in result.calibration.h5 result.members/member-000{0,1,2}.h5; do
    cmp "$folder/reference/results/$name" "$1/results/$name" 2>&1 || true
  done
  h5diff --exclude-path=/entry/provenance "$folder/reference/results/result.h5" "$1/results/result.h5" 2>&1 || true
  for name in result.xdmf result.report.html; do [[ -e $1/results/$name ]] || echo "$name is missing"; done
  find "$1/results" -name '*.part' -o -name '*.checkpoint.*' -o -name '*.lock'
}

kinds=(KILL TERM SEGV STOP ENOSPC INSIDE KILL INSIDE)
for ((run = 1; run <= runs; run++)); do
  at=$folder/run
  hangs=0
  rm -rf "$at"
  write_job "$at" $((RANDOM % 3 + 1))
  ranks=$((RANDOM % 4 + 1))
  kind=${kinds[RANDOM % ${#kinds[@]}]}
  whole=$((RANDOM % 3 == 0))
  delay=$(($(random) % length))
  call=$(($(random) % calls + 1))
  victim=$((RANDOM % ranks))
  what="run $run (seed $seed): $kind on $ranks ranks, $( ((whole)) && echo all || echo "rank $victim"), ${delay} ms, call $call"
  settings=(TUTTI_NOTHING=1)
  case $kind in
    ENOSPC | INSIDE)
      settings=(LD_PRELOAD="$folder/shim.so" FAULT_FOLDER="$at/results" FAULT_NUMBER=$call FAULT_KIND=full)
      [[ $kind == ENOSPC ]] || settings+=(FAULT_KIND=kill)
      ;;
  esac
  start "$at" "$ranks" "${settings[@]}"
  case $kind in
    KILL | TERM | SEGV | STOP)
      sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
      mapfile -t processes < <(ranks_of "$at")
      if ((!whole && ${#processes[@]})); then processes=("${processes[victim % ${#processes[@]}]}"); fi
      ((${#processes[@]} == 0)) || kill -"$kind" "${processes[@]}" 2>/dev/null || true
      if [[ $kind == STOP ]] && ((${#processes[@]})); then
        sleep 0.5
        kill -KILL "${processes[@]}" 2>/dev/null || true
      fi
      ;;
  esac
  finish
  struck=$([[ $status == 0 ]] && echo missed || echo struck)
  # A full disk is an error with a message; it ends no process by itself.
  crash=
  [[ $kind != ENOSPC ]] || ((status <= 1)) || crash="ended with status $status on a full disk"
  # Again on other ranks, until it is done.
  for ((again = 0; status != 0 && again < 4; again++)); do
    echo "--- again" >>"$at/log"
    start "$at" $((RANDOM % 4 + 1)) TUTTI_NOTHING=1
    finish
  done
  # A report that could not be written is told, and ends nothing; the next run writes it.
  if ((status == 0)) && [[ ! -e $at/results/result.report.html ]] && grep -q 'report could not be written' "$at/log"; then
    start "$at" 1 TUTTI_NOTHING=1
    finish
  fi
  problem=$crash
  ((status == 0)) || problem="ended with status $status"
  ((hangs == 0)) || problem="did not end within $limit s"
  [[ -n $problem ]] || problem=$(difference "$at" | grep -v '\.lock$' | head -5 || true)
  count[$kind $struck]=$((${count[$kind $struck]:-0} + 1))
  ((run % 50)) || echo "$run of $runs runs are done, $failures failed" >&2
  if [[ -n $problem ]]; then
    failures=$((failures + 1))
    printf '%s: %s\n' "$what" "$problem"
    tail -n 20 "$at/log"
  fi
done
for key in "${!count[@]}"; do echo "$key: ${count[$key]}"; done | sort
if ((failures)); then
  echo "Test run with $runs tests failed: $failures of them"
  exit 1
fi
echo "Test run with $runs tests"
