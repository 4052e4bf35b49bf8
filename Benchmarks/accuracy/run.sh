#!/usr/bin/env bash
# The scores of DLSIA on PyTorch and of Tutti on two real sets: the same architecture, images, split, loss, optimizer, rate,
# batch and epochs, five seeds each. Takes about an hour on two cores, nearly all of it the peer's.
#
#     bash Benchmarks/accuracy/run.sh PYTHON SETS [FOLDER]
#
# PYTHON has torch, dlsia and h5py (Benchmarks/README.md), and torchmetrics and pandas; SETS is the folder of the sets
# (prepare.py says which). Scores of the peer that FOLDER already holds are kept.
set -euo pipefail
(($# >= 2)) || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
python=$(command -v "$1") sets=$(realpath "$2") folder=${3:-$(mktemp -d)}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
swift build -c release --product tutti >/dev/null
tutti=$(swift build -c release --show-bin-path)/tutti
mkdir -p "$folder"
"$python" "$here/prepare.py" "$sets" "$folder"
for name in nuclei membranes; do
  cp "$here/$name.yaml" "$folder"
  [[ -s $folder/$name-peer.jsonl ]] ||
    "$python" "$here/peer.py" "$name" "$folder/$name.h5" 5 "$(nproc)" >"$folder/$name-peer.part"
  [[ ! -f $folder/$name-peer.part ]] || mv "$folder/$name-peer.part" "$folder/$name-peer.jsonl"
  "$tutti" run "$folder/$name.yaml" --ranks "$(nproc)" --overwrite >"$folder/$name.log"
done
"$python" "$here/table.py" "$folder"
