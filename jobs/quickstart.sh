#!/usr/bin/env bash
# From a fresh Debian or Ubuntu with a Swift toolchain to a first result: installs what is missing, builds, trains the
# ensemble of jobs/cement.yaml on two ranks and says how to look at it. Can be run again at any time.
#
#     bash jobs/quickstart.sh [options of tutti run, such as --overwrite or --threads 1]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
job=jobs/cement.yaml
results=results/cement.h5
ranks=2

bash jobs/install.sh
echo "Building (some minutes the first time)"
swift build -c release --product tutti
tutti=$(swift build -c release --show-bin-path)/tutti

# Bound to nothing, every rank may use the cores that the others leave; mpirun alone binds each of two to one core.
launch=(mpirun -n "$ranks" --bind-to none)
(($(nproc) >= ranks)) || launch+=(--oversubscribe)
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

if [[ -e $results && $# == 0 ]]; then
  echo "$results is there already; bash jobs/quickstart.sh --overwrite makes it again."
else
  echo "${launch[*]} $tutti run $job $*"
  "${launch[@]}" "$tutti" run "$job" "$@"
fi

cat <<TEXT

To look at $results:
  h5dump -n 1 $results
      lists what is in it; h5dump -g /entry/evaluation $results prints the figures above
  https://myhdf5.hdfgroup.org
      in the browser: drop the file there; it opens on the mean (nothing is uploaded)
  pip install 'silx[full]' && silx view $results
      slices, spread and sets in a window
  pip install 'napari[all]' h5py && python3 -c '
      import h5py, napari
      p = h5py.File("$results")["entry/prediction"]; v = napari.Viewer()
      v.add_image(p["mean"][0, 1]); v.add_image(p["mean_errors"][0, 1]); napari.run()'
      the voids and their spread in three dimensions
TEXT
