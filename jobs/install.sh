#!/usr/bin/env bash
# Installs what Tutti is built with, where it is missing. See usage below, or bash jobs/install.sh --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash jobs/install.sh [--slurm] [--python] [--completions] [--help]

Checks that there is a Swift compiler, 6.1 or later, and installs the libraries and programs that are missing (Debian,
Ubuntu; asks first unless root). Libraries are looked for by pkg-config, so that a site's own, named by
PKG_CONFIG_PATH, count too. Does nothing when nothing is missing.

  --slurm        also Slurm, for its test
  --python       also Python with virtual environments, for the tests of exchange
  --completions  instead: completions of tutti's commands and options for bash, zsh and fish, and its manual page, for
                 this user
  --help         this

Environment:
  TUTTI     the program, for --completions (default: .build/release/tutti, else that in PATH)

Exit status: 0 when all is there, 2 when something is missing.
TEXT
}

complain() { printf 'jobs/install.sh: %s\n' "$@" >&2; }

slurm=false
python=false
completions=false
while (($#)); do
  case $1 in
    --slurm) slurm=true ;;
    --python) python=true ;;
    --completions) completions=true ;;
    -h | --help) usage; exit 0 ;;
    *) complain "unknown option $1"; usage >&2; exit 2 ;;
  esac
  shift
done
PATH=$PATH:/usr/sbin:/sbin  # where Debian keeps daemons

# Writes what the shells complete commands by, and the manual page, into the folders where they and man look.
install_completions() {
  local here program data=${XDG_DATA_HOME:-$HOME/.local/share} config=${XDG_CONFIG_HOME:-$HOME/.config}
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  program=${TUTTI:-$here/.build/release/tutti}
  [[ -x $program ]] || program=$(command -v tutti || true)
  [[ -n $program ]] || { complain "there is no tutti yet. Build it (swift build -c release), or name it by TUTTI."; return 2; }
  write() {
    local what=$1 path=$2
    shift 2
    mkdir -p "$(dirname "$path")"
    "$program" "$@" >"$path.part" && mv "$path.part" "$path"
    echo "$what: $path"
  }
  write bash "$data/bash-completion/completions/tutti" --generate-completion-script bash
  write zsh "$data/zsh/site-functions/_tutti" --generate-completion-script zsh
  write fish "$config/fish/completions/tutti.fish" --generate-completion-script fish
  write man "$data/man/man1/tutti.1" manual
  echo "bash needs the package bash-completion; zsh needs in ~/.zshrc: fpath+=($data/zsh/site-functions); autoload -Uz compinit && compinit"
}

if $completions; then install_completions; exit; fi

check_swift() {
  local get="Get Swift 6.1 or later from https://www.swift.org/install/linux/"
  if ! command -v swift >/dev/null; then
    complain "there is no swift in PATH." "$get"
    [[ ! -r ~/.local/share/swiftly/env.sh ]] || complain "Or, as swiftly is there: . ~/.local/share/swiftly/env.sh"
    return 2
  fi
  local version
  version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | grep -oE '[0-9]+\.[0-9]+' || true)
  if [[ -z $version ]]; then
    complain "swift --version names no version; is the toolchain whole? Try: swift --version" "$get"
    return 2
  elif [[ $(printf '%s\n6.1\n' "$version" | sort -V | head -1) != 6.1 ]]; then
    complain "Swift $version is too old." "$get"
    return 2
  fi
}

# What is missing, a line each: the Debian package, then what it is for.
missing() {
  local library package what
  while read -r library package what; do
    pkg-config --exists "$library" 2>/dev/null || echo "$package $what ($library.pc)"
  done <<'TEXT'
ompi-c libopenmpi-dev Open MPI
openblas libopenblas-dev OpenBLAS
hdf5-openmpi libhdf5-openmpi-dev HDF5, parallel, built with Open MPI
libtiff-4 libtiff-dev reads and writes TIFF
libpng libpng-dev reads and writes PNG
zlib zlib1g-dev unpacks gzip
blosc libblosc-dev unpacks chunks of Zarr
libzstd libzstd-dev unpacks chunks of Zarr
TEXT
  local program
  while read -r program package what; do
    command -v "$program" >/dev/null || echo "$package $what ($program)"
  done <<'TEXT'
pkg-config pkg-config finds the libraries
git git fetches the Swift packages
mpirun openmpi-bin starts the ranks
h5dump hdf5-tools looks into results
TEXT
  if $slurm; then
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null || echo "slurm-wlm Slurm (slurmctld, slurmd)"
    command -v munged >/dev/null || echo "munge who is who, for Slurm (munged)"
  fi
  if $python; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo "python3-venv Python with virtual environments (python3)"
  fi
}

install() {
  local list packages log as_root=()
  list=$(missing)
  [[ -n $list ]] || return 0
  packages=$(awk '{ print $1 }' <<<"$list" | xargs)
  printf 'Missing:\n' >&2
  sed -E 's/^(\S+) (.*)/  \1: \2/' <<<"$list" >&2
  if ! command -v apt-get >/dev/null; then
    complain "there is no apt-get here; the names above are Debian's. Install these by your system's or site's means" \
      "and try again; docs/install.md says how they are found."
    return 2
  fi
  if ((EUID != 0)); then
    local answer
    if ! command -v sudo >/dev/null || [[ ! -t 0 ]]; then
      complain "run as root, then try again: apt-get install $packages"
      return 2
    fi
    read -r -p "Install with: sudo apt-get install $packages? [y/N] " answer
    [[ $answer == [yY]* ]] || return 2
    as_root=(sudo)
  fi
  echo "Installing $packages"
  log=$(mktemp)
  if ! "${as_root[@]}" apt-get update -q >"$log" 2>&1 ||
    ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -q --no-install-recommends $packages >>"$log" 2>&1; then
    tail -20 "$log" >&2
    rm "$log"
    complain "apt-get could not install $packages"
    return 2
  fi
  rm "$log"
}

check_swift
install
list=$(missing)
if [[ -n $list ]]; then
  complain "still not found:" "$list" "docs/install.md says where each is looked for."
  exit 2
fi
