#!/usr/bin/env bash
# Prints the path of a Python with the packages of Tests/python-requirements.txt, or of another list that is named, beside it: a
# virtual environment in
# ${XDG_CACHE_HOME:-~/.cache}/tutti, made when it is not there yet (about a minute, from PyPI). Exit status 1, with one line
# that says why, when it cannot be made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

complain() {
  printf 'Tests/python.sh: %s\n' "$*" >&2
  exit 1
}

python=$(command -v python3) || complain "there is no python3 in PATH"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || complain "$python does not start"
list=${1:-python-requirements.txt}
key=$({ cat python-requirements.txt; [[ $list == python-requirements.txt ]] || cat "$list"; echo "$version"; } | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tutti
environment=$cache/python-$key
if [[ ! -e $environment/complete ]]; then
  mkdir -p "$cache" || complain "the folder $cache cannot be made"
  # One at a time, and none half made under its name.
  exec 9>"$cache/python.lock"
  flock 9
fi
if [[ ! -e $environment/complete ]]; then
  log=$cache/python.log
  rm -rf "$environment"
  "$python" -m venv "$environment" >"$log" 2>&1 || complain "no virtual environment could be made (see $log)"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 1 --timeout 15 \
    -r "$list" >>"$log" 2>&1 || complain "the packages could not be installed: $(tail -1 "$log")"
  touch "$environment/complete"
fi
echo "$environment/bin/python"
