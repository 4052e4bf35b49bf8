# What the scripts here have in common; to be sourced. Sets `tutti`, the program (TUTTI, or built now), and `folder`, which goes
# when the script ends.
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ -n ${TUTTI:-} ]]; then
  tutti=$TUTTI
else
  swift build -c release --product tutti >&2
  tutti=$(swift build -c release --show-bin-path)/tutti
fi
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The value of a key of the JSON objects, one a line, on the standard input: the median.
median() { sed -E "s/.*\"$1\": ?([-+.0-9eE]+).*/\1/" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
