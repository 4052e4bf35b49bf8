#!/usr/bin/env bash
# Runs every test. See usage below, or bash Tests/run.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: bash Tests/run.sh [--filter REGEX] [--all] [--sanitize] [--help]

Installs what is missing (Debian, Ubuntu), checks the form of the code (swift format lint, where the toolchain has it),
builds, and runs every test: suites whose type is named MPI… at 1, 2, 3
and 4 ranks under mpirun, all others once in one process, and slurm/train.sbatch under a Slurm of its own
(Tests/slurm.sh). Prints failures and one line a group.

  --filter REGEX  only tests whose name (Module.Suite/test(); Slurm for Tests/slurm.sh, Faults for Tests/faults.sh) matches, as swift test
                  --filter takes it
  --all           also every product of ranks, threads, networks and ways to share a member (some seven minutes more)
  --sanitize      instead: build with the address sanitizer, C also with the undefined-behaviour sanitizer, into
                  .build-sanitize, and run the suites of CKernels and of damaged data and job files, 10,000 of each
                  (TUTTI_MUTATIONS: so many)
  --help          this

Environment:
  TUTTI_GOLDEN        folder of the golden files (default: Tests/Fixtures)
  TUTTI_REQUIRE       what must be there, so that its tests fail rather than being skipped: mpi,slurm,netns,chromium,python,readers
  TUTTI_PYTHON        a Python with the packages of Tests/python-requirements.txt (default: a virtual environment that
                      Tests/python.sh makes once, in ${XDG_CACHE_HOME:-~/.cache}/tutti)
  TUTTI_READERS       a Python with the packages of Tests/python-readers.txt too; without it results are not opened in viewers
                      (default: none; with --all what Tests/python.sh python-readers.txt makes)
  TUTTI_TEST_TIMEOUT  seconds that one group of tests may take (default 1800, with --all 3600)

Exit status: 0 when all passed, 1 when a test failed, 2 when they could not be run.
TEXT
}

say() { printf '%s\n' "$*"; }
complain() { printf 'Tests/run.sh: %s\n' "$*" >&2; }

filter=
sanitize=false
while (($#)); do
  case $1 in
    --filter)
      (($# > 1)) || { complain "--filter needs a regular expression"; exit 2; }
      filter=$2
      shift
      ;;
    --filter=*) filter=${1#*=} ;;
    --all) export TUTTI_ALL=1 ;;
    --sanitize) sanitize=true ;;
    -h | --help) usage; exit 0 ;;
    *)
      complain "unknown option $1"
      usage >&2
      exit 2
      ;;
  esac
  shift
done

# What is needed -------------------------------------------------------------------------------------------------------

warn_of_little_shared_memory() {
  local free
  free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }') || return 0
  if [[ -n $free ]] && ((free < 256 * 1024)); then
    say "warning: /dev/shm has only $((free / 1024)) MB free; tests of several ranks may fail." \
      "Make it larger (docker run --shm-size=1g)."
  fi
}

# Running --------------------------------------------------------------------------------------------------------------

logs=$(mktemp -d)
# Groups that run beside others are ended with this.
end() {
  local job
  for job in $(jobs -p); do pkill -P "$job" || true; done
  rm -rf "$logs"
}
trap end EXIT
limit=${TUTTI_TEST_TIMEOUT:-$([[ -n ${TUTTI_ALL:-} ]] && echo 3600 || echo 1800)}
failures=0
groups=0

# The log without colours, progress, what passed or was skipped, and mpirun's words on exit codes.
tell() {
  sed -e 's/\x1b\[[0-9;]*m//g' "$1" |
    grep -vE '[◇✔➜↳] |^(-{20,}|Primary job|a non-zero exit code|mpirun detected|the job to be term|  Process name:|  Exit code:|$)' |
    awk '!seen[$0]++' | head -"$2"
}

# What was skipped and why, and what a suite has to say of itself.
tell_skipped() {
  sed -e 's/\x1b\[[0-9;]*m//g' -e 's/^\[1,[0-9]*\]<[a-z]*>: *//' "$1" |
    { grep -vE '[◇✔➜↳] ' | grep -E 'skipped|not built yet' || true; } | sort -u | sed 's/^/     /'
}

# run GROUP COMMAND…: runs a group of tests, prints one line for it, and the rest only when it matters.
run() {
  local group=$1 log status=0 start=$SECONDS summary
  log=$(mktemp "$logs/XXXXXX")
  shift
  timeout --kill-after=20 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
  summary=$(sed -e 's/\x1b\[[0-9;]*m//g' "$log" | grep -oE 'Test run with .* (tests?|suites?)' | head -1 || true)
  # Swift Testing's own status for "no test matched".
  if ((status == 69)) || [[ $status == 0 && $summary == "Test run with 0 tests"* ]]; then
    say "–  $group: no tests"
    tell_skipped "$log"
    return
  fi
  groups=$((groups + 1))
  if ((status == 0)) && [[ -n $summary ]]; then
    say "ok $group: ${summary#Test run with }, $((SECONDS - start)) s"
    tell_skipped "$log"
    return
  fi
  failures=$((failures + 1))
  say "FAILED $group ($((SECONDS - start)) s)"
  tell "$log" 200 || true
  if ((status == 124 || status == 137)); then
    say "timed out after $limit s; a rank may be waiting for another that failed. The last lines:"
    tail -12 "$log"
  elif [[ -z $summary ]]; then
    say "ended with status $status before the tests did. The last lines:"
    tail -12 "$log"
  fi
}

# start GROUP COMMAND…: runs a group beside what comes next; `join` waits for all of them and prints what they have to say.
started=()
start() {
  local name="$logs/started-${#started[@]}"
  started+=("$name")
  (
    groups=0 failures=0
    run "$@" >"$name.out"
    echo "$groups $failures" >"$name.counts"
  ) &
}

join() {
  local name counts
  wait
  for name in ${started+"${started[@]}"}; do
    cat "$name.out"
    counts=(1 1)
    [[ ! -s $name.counts ]] || read -ra counts <"$name.counts"
    groups=$((groups + counts[0])) failures=$((failures + counts[1]))
  done
}

build() {
  say "building ($*)"
  if ! swift build --build-tests "$@" >"$logs/build" 2>&1; then
    { grep -A4 'error:' "$logs/build" || tail -40 "$logs/build"; } | awk '!seen[$0]++' | head -80 >&2
    complain "the build failed"
    exit 2
  fi
  { grep -E 'warning:' "$logs/build" || true; } | awk '!seen[$0]++'
}

finish() {
  if ((failures)); then
    say "$failures of $groups groups failed"
    exit 1
  elif ((groups == 0)); then
    complain "no test matches${filter:+ ‘$filter’}"
    exit 2
  fi
  say "all $groups groups passed"
  exit 0
}

export NO_COLOR=1
needs=()
[[ ,${TUTTI_REQUIRE:-}, != *,slurm,* ]] || needs+=(--slurm)
[[ ,${TUTTI_REQUIRE:-}, != *,python,* ]] || needs+=(--python)
bash jobs/install.sh ${needs+"${needs[@]}"} || exit 2
# Python with the packages that files are exchanged with; where it cannot be had its tests are skipped, or fail when it is required.
if [[ -z ${TUTTI_PYTHON:-} ]]; then
  if path=$(bash Tests/python.sh 2>"$logs/python"); then
    export TUTTI_PYTHON=$path
  else
    say "–  exchange with Python: $(tail -1 "$logs/python")"
  fi
fi
if [[ -z ${TUTTI_READERS:-} ]] && [[ -n ${TUTTI_ALL:-} || ,${TUTTI_REQUIRE:-}, == *,readers,* ]]; then
  if path=$(bash Tests/python.sh python-readers.txt 2>"$logs/python"); then
    export TUTTI_READERS=$path
  else
    say "–  results in viewers: $(tail -1 "$logs/python")"
  fi
fi

# MPI suites are those whose (outermost) type is named so.
mpi_suite='^[A-Za-z0-9_]+\.MPI[A-Z]'
other_suite='^[A-Za-z0-9_]+\.(?!MPI[A-Z])'
testing=(--testing-library swift-testing --no-parallel)
[[ -z $filter ]] || chosen=(--filter "$filter")

if $sanitize; then
  # The Swift compiler knows no undefined-behaviour sanitizer on Linux; the C kernels, which need it most, get it, and
  # its runtime comes with the address sanitizer's.
  options=(
    -c release --scratch-path .build-sanitize -Xswiftc -enable-testing --sanitize address
    -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined
  )
  build "${options[@]}"
  tests=$(swift build "${options[@]}" --show-bin-path)/tuttiPackageTests.xctest
  # Leaks are not looked for: Swift's runtime keeps what it needs for the life of the process.
  export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0:abort_on_error=0}"
  export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
  export TUTTI_MUTATIONS=${TUTTI_MUTATIONS:-10000}
  [[ -n $filter ]] || chosen=(--filter '^CKernelsTests\.|\.Mutated')
  run "sanitized" "$tests" "${testing[@]}" "${chosen[@]}" --skip "$mpi_suite"
  finish
fi

# The form of the code, where the toolchain has swift-format.
lint() {
  local log="$logs/lint"
  swift format --version >/dev/null 2>&1 || { say "–  form of the code: this toolchain has no swift format"; return; }
  groups=$((groups + 1))
  if swift format lint --strict --parallel --recursive Package.swift Sources Tests >"$log" 2>&1; then
    say "ok form of the code"
    return
  fi
  failures=$((failures + 1))
  say "FAILED form of the code; swift format -i mends most of it:"
  head -40 "$log"
}

warn_of_little_shared_memory
[[ -n $filter ]] || lint
options=(-c release -Xswiftc -enable-testing)
build "${options[@]}"
tests=$(swift build "${options[@]}" --show-bin-path)/tuttiPackageTests.xctest

# The tests start programs under mpirun themselves, too.
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
handed=()
for name in TUTTI_ALL TUTTI_GOLDEN TUTTI_PYTHON TUTTI_READERS TUTTI_REQUIRE; do
  [[ -z ${!name:-} ]] || handed+=(-x "$name")
done

# Slurm's tests wait most of their time.
export TUTTI
TUTTI=$(dirname "$tests")/tutti
if [[ -z $filter ]] || grep -qE -- "$filter" <<<"Slurm"; then start Slurm bash Tests/slurm.sh; fi
# So do those that start the program as a user does: they run beside the others, in two halves.
program_suite='^PipelineTests\.EndToEnd'
apart=()
if [[ -z $filter ]]; then
  start "the program, A to I" "$tests" "${testing[@]}" --filter "${program_suite}[A-I]"
  start "the program, J to Z" "$tests" "${testing[@]}" --filter "${program_suite}[J-Z]"
  apart=(--skip "$program_suite")
fi
run "one process" "$tests" "${testing[@]}" ${chosen+"${chosen[@]}"} --skip "$mpi_suite" ${apart+"${apart[@]}"}
for ranks in 1 2 3 4; do
  run "$ranks rank$( ((ranks == 1)) || say s)" \
    mpirun -n "$ranks" --oversubscribe --bind-to none --tag-output "${handed[@]}" \
    "$tests" "${testing[@]}" ${chosen+"${chosen[@]}"} --skip "$other_suite"
done
if [[ -z $filter ]] || grep -qE -- "$filter" <<<"Faults"; then run "random faults" bash Tests/faults.sh --runs 6; fi
join
finish
