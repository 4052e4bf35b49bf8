#!/usr/bin/env bash
# What ‘tutti new’ and ‘tutti run’ reach, untouched, beside what simple rules reach on the same images.
#
#     bash Benchmarks/new/run.sh PYTHON SETS [FOLDER [NAMES]]
#
# PYTHON has h5py and numpy; SETS is the folder of the public sets (jobs/public/README.md says which); FOLDER keeps what is
# made. NAMES are some of: cement nuclei membranes hippocampus. Ten minutes a set are given to the jobs: MINUTES and THREADS
# in the environment change that. Results that FOLDER holds already are kept.
set -euo pipefail
(($# >= 2)) || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
python=$(command -v "$1") sets=$(realpath "$2") folder=${3:-$(mktemp -d)} names=${4:-cement nuclei membranes hippocampus}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$folder"
if [[ -z ${TUTTI:-} ]]; then
  (cd "$root" && swift build -c release --product tutti >/dev/null)
  TUTTI=$(cd "$root" && swift build -c release --show-bin-path)/tutti
fi
threads=()
[[ -z ${THREADS:-} ]] || threads=(--threads "$THREADS")
cp "$root/jobs/data/cement.h5" "$folder"
if [[ $names != cement && ! -f $folder/nuclei.h5 ]]; then
  cp "$root/jobs/public/prepare.py" "$folder"
  "$python" "$folder/prepare.py" "$sets" >/dev/null
fi
cd "$folder"
for name in $names; do
  [[ -f $name.yaml ]] || "$TUTTI" new "$name.h5" -o "$name.yaml" --minutes "${MINUTES:-10}" "${threads[@]}" >"$name.new.log"
  [[ -f results/$name.h5 ]] || "$TUTTI" run "$name.yaml" "${threads[@]}" >"$name.run.log"
done
"$python" "$here/table.py" $names
