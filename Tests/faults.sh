#!/usr/bin/env bash
# usage: bash Tests/faults.sh [RANKS…]
#
# Runs a small job again and again while one of its calls that write files fails, for every call and every way to fail,
# on each of these numbers of ranks (1 2 3 when none are given). Takes an hour or two; Tests/run.sh tries some calls.
# Prints what Tests/run.sh prints.
set -euo pipefail
export TUTTI_FAULTS="${*:-1 2 3}"
export TUTTI_TEST_TIMEOUT="${TUTTI_TEST_TIMEOUT:-20000}"
exec bash "$(dirname "${BASH_SOURCE[0]}")/run.sh" --filter 'EndToEndFailingWritesTests.all'
