#!/usr/bin/env bash
# Coverage of held-out images, persons and blocks on three real sets, intervals of measurements, the alarm for other data, and how
# many members pay. A quarter of an hour on one core.
#
#     bash Benchmarks/coverage/run.sh PYTHON SETS [FOLDER [SPLITS]]
#
# PYTHON has h5py and numpy; SETS is the folder of the sets (prepare.py says which). TUTTI: a program to use instead of the release
# build. What FOLDER already holds is not done again.
set -euo pipefail
(($# >= 2)) || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
python=$(command -v "$1") sets=$(realpath "$2") folder=${3:-$(mktemp -d)} splits=${4:-5}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ -z ${TUTTI:-} ]]; then
  cd "$here/../.."
  swift build -c release --product tutti >/dev/null
  TUTTI=$(swift build -c release --show-bin-path)/tutti
fi
mkdir -p "$folder"
cd "$folder"
[[ -s membranes.h5 ]] || "$python" "$here/prepare.py" "$sets" .

# one NAME SPLIT UNIT: calibrates by the set's independent unit, and anew by pixel; keeps both results.
# swapped NAME SPLIT UNIT: the same with calibration and test part in each other's place, which tells what members measure of
# calibration units.
one() {
  local name=$1 split=$2 unit=$3
  [[ ! -s $name-$split-pixel.h5 ]] || return 0
  sed "s/UNIT/$unit/" "$here/$name.yaml" >"$name.yaml"
  "$TUTTI" run "$name.yaml" --threads 1 --overwrite >"$name-$split.log" 2>&1
  cp "$name-results.h5" "$name-$split-unit.h5"
  "$TUTTI" calibrate "$name-results.h5" --unit pixel >>"$name-$split.log"
  sed "s/UNIT/pixel/" "$here/$name.yaml" >"$name.yaml"
  "$TUTTI" evaluate "$name.yaml" --threads 1 >>"$name-$split.log" 2>&1
  cp "$name-results.h5" "$name-$split-pixel.h5"
}

swapped() {
  local name=$1 split=$2 unit=$3
  [[ ! -s $name-$split-swap.h5 ]] || return 0
  "$python" "$here/split.py" "$name.h5" "$split" swap
  sed "s/UNIT/$unit/" "$here/$name.yaml" >"$name.yaml"
  "$TUTTI" run "$name.yaml" --threads 1 --overwrite >>"$name-$split.log" 2>&1
  cp "$name-results.h5" "$name-$split-swap.h5"
}

for name in nuclei hippocampus membranes; do
  case $name in nuclei) unit=image ;; hippocampus) unit=group ;; membranes) unit=patch ;; esac
  for split in $(seq 1 "$splits"); do
    "$python" "$here/split.py" "$name.h5" "$split"
    one "$name" "$split" "$unit"
    [[ $name == membranes ]] || swapped "$name" "$split" "$unit"
  done
done
"$python" "$here/split.py" nuclei.h5 0 size
one nuclei size image

# More members train those that are missing.
for name in nuclei membranes; do
  "$python" "$here/split.py" "$name.h5" 1
  for network in tunet smsnet; do
    own=$name-$network
    for members in 1 2 5 10; do
      [[ ! -s $own-$members.h5 ]] || continue
      sed -e "s/UNIT/pixel/; s/members: 5/members: $members/; s/$name-results/$own-results/; /^measurements/d" \
        "$here/$name.yaml" >"$own.yaml"
      [[ $network == tunet ]] || sed -i 's/^network: .*/network: {family: smsnet, nodes: 12}/' "$own.yaml"
      "$TUTTI" run "$own.yaml" --threads 1 --overwrite >"$own-$members.log" 2>&1
      cp "$own-results.h5" "$own-$members.h5"
    done
  done
done
"$python" "$here/table.py" .
