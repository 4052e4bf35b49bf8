#!/usr/bin/env bash
# The batch scripts of slurm/ under a real Slurm, started here and stopped at the end: two nodes (both this machine), a tiny job,
# both launchers, one node and two; a requeue, the signal of a time limit, a preemption and a lost rank in the middle; members over the
# tasks of an array. All must end with the same results.
#
#     TUTTI=.build/release/tutti bash Tests/slurm.sh
#
# Needs slurmctld, slurmd, munged and h5diff, no rights (it runs as whoever calls it), no configuration and no free
# service: key, sockets and ports are its own. Skipped with one line where Slurm cannot be started, unless TUTTI_REQUIRE
# names slurm. Prints what Tests/run.sh reads: skipped: …, or "Test run with … tests" when all passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin:/sbin  # where Debian keeps daemons

export TUTTI=${TUTTI:-$PWD/.build/release/tutti}
folder=$(mktemp -d)
daemons=()
node_daemons=()
tests=0

stop() {
  # In this order: a node waits for its steps, and these report to the controller.
  scancel --me >/dev/null 2>&1 || true
  for _ in {1..20}; do [[ -n $(squeue -h 2>/dev/null) ]] || break; sleep 0.5; done
  local all=("${node_daemons[@]}" "${daemons[@]}") process
  for process in "${all[@]}"; do
    kill "$process" 2>/dev/null || continue
    for _ in {1..20}; do kill -0 "$process" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$process" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$folder"
}

skip() {
  if [[ ,${TUTTI_REQUIRE:-}, == *,slurm,* ]]; then
    tail -n 5 "$folder"/*.out 2>/dev/null || true
    fail "$1, but TUTTI_REQUIRE says that Slurm must be there"
  fi
  echo "skipped: slurm/train.sbatch ($1)"
  echo "Test run with 0 tests"
  exit 0
}

fail() {
  printf 'Tests/slurm.sh: %s\nTest run with %s tests failed\n' "$1" $((tests + 1))
  exit 1
}

# Slurm ----------------------------------------------------------------------------------------------------------------

start_slurm() {
  local host=${HOSTNAME%%.*} user port=$((10000 + RANDOM % 20000)) node
  user=$(id -un)
  chmod 755 "$folder"
  mkdir "$folder"/{munge,state,spool,tmp} "$folder"/{spool,tmp}/{n1,n2}
  chmod 755 "$folder/munge"
  (umask 077 && head -c 128 /dev/urandom >"$folder/key")
  export SLURM_CONF=$folder/slurm.conf
  # TmpFS per node: PMIx makes one folder a step there. cred_expire: a requeued job waits that long.
  cat >"$SLURM_CONF" <<TEXT
ClusterName=tutti
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
TmpFS=$folder/tmp/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
TEXT
  munged --foreground --key-file="$folder/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" >"$folder/munged.out" 2>&1 &
  daemons=($!)
  for _ in {1..50}; do [[ ! -S $folder/munge/socket ]] || break; sleep 0.1; done
  slurmctld -D >"$folder/slurmctld.out" 2>&1 &
  daemons=($! "${daemons[@]}")
  for node in n1 n2; do
    slurmd -D -N "$node" >"$folder/$node.out" 2>&1 &
    node_daemons+=($!)
  done
  for _ in {1..60}; do
    [[ $(sinfo -h -N -o %t 2>/dev/null | xargs) != "idle idle" ]] || return 0
    sleep 0.5
  done
  return 1
}

# The job --------------------------------------------------------------------------------------------------------------

# Every run has a folder of its own and the same names in it, since the results name their members' folder.
write_job() {
  mkdir "$folder/$1"
  cat >"$folder/$1/job.yaml" <<TEXT
tutti: 1
name: slurm
task: segmentation
data:
  images: $PWD/jobs/data/cement.h5:/images
  labels: $PWD/jobs/data/cement.h5:/labels
  volume: true
  classes: [paste, void]
  split: {dataset: $PWD/jobs/data/cement.h5:/split, train: 0, calibrate: 1, test: 2}
  patch: [8, 16, 16]
network:
  family: smsnet
  nodes: 3
  hidden-channels: [2]
  dilations: [1, 2]
  degree: {min: 1, max: 3}
  input-probability: 0.5
  output-probability: 0.5
  input-output: true
ensemble: {members: 2, bagging: true}
training: {epochs: 3, batch: 4, shards: 4, optimizer: {name: adam, rate: 0.005}, loss: cross-entropy, seed: 1, checkpoint-steps: 10}
uncertainty: {method: lac, coverage: [0.9], unit: pixel}
output: results.h5
TEXT
}

# submit NAME OPTION…: writes the job NAME and submits it with train.sbatch, or with $script; prints its number.
submit() {
  local name=$1
  shift
  write_job "$name"
  sbatch --parsable --time=10 --output="$folder/$name/log" "$@" "slurm/${script:-train.sbatch}" "$folder/$name/job.yaml"
}

# Waits until the job NAME trains, that is until a member has its first checkpoint.
await_training() {
  for _ in {1..3000}; do
    ! compgen -G "$folder/$1/results.members/*.checkpoint" >/dev/null || return 0
    sleep 0.1
  done
  fail "$1: no member was in training: $(cat "$folder/$1/log")"
}

# What the results NAME say of their run.
provenance() { h5dump -d "/entry/provenance/$2" "$folder/$1/results.h5" | sed -n 's/.*(0): //p'; }

# Waits until the job NAME with this number is at an end, and checks it, its results, and that they were made by so many
# ranks and threads, each of which trained a member, unless that may be any.
check() {
  local name=$1 number=$2 ranks=$3 threads=$4 trained=${5:-} job state= reason=
  for _ in {1..1200}; do
    job=$(scontrol show job -o "$number")
    state=$(grep -oP ' JobState=\K\w+' <<<"$job")
    reason=$(grep -oP ' Reason=\K\w+' <<<"$job")
    [[ $state == @(PENDING|CONFIGURING|RUNNING|COMPLETING|REQUEUED) ]] || break
    # What waits for a job that failed, or was started in vain, waits for ever.
    [[ $reason != @(DependencyNeverSatisfied|JobHeld*|*launch_failed*) ]] || break
    sleep 0.5
  done
  [[ $state == COMPLETED ]] || fail "$name: the job ended as $state ($reason):
$(tail -n 30 "$folder/$name"/*log 2>/dev/null)
$(sinfo -N -l 2>&1)"
  [[ -s $folder/$name/results.h5 ]] || fail "$name: there is no results file:
$(tail -n 30 "$folder/$name/log")"
  local difference
  difference=$(h5diff --exclude-path=/entry/provenance "$folder/srun/results.h5" "$folder/$name/results.h5" 2>&1) &&
    [[ -z $difference ]] || fail "$name: its results differ from those of srun on one node:
$(head -n 20 <<<"$difference")"
  local made
  made="$(provenance "$name" ranks) ranks of $(provenance "$name" threads) threads"
  [[ $made == "$ranks ranks of $threads threads" ]] ||
    fail "$name: made by $made; should be $ranks ranks of $threads threads"
  [[ -n $trained || $ranks == 1 || $(provenance "$name" trained_on_rank) == @("0, 1"|"1, 0") ]] ||
    fail "$name: a rank trained no member"
  tests=$((tests + 1))
}

# ----------------------------------------------------------------------------------------------------------------------

trap stop EXIT
for program in slurmctld slurmd munged srun sbatch h5diff; do
  command -v "$program" >/dev/null || skip "there is no $program"
done
[[ -x $TUTTI ]] || fail "there is no $TUTTI; build it, or set TUTTI"
start_slurm || skip "Slurm does not start here"
srun --mpi=list 2>&1 | grep -qw pmix || skip "this Slurm has no PMIx"
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

for launcher in srun mpirun; do
  export TUTTI_LAUNCHER=$launcher
  check "$launcher" "$(submit "$launcher" --nodes=1 --ntasks-per-node=2)" 2 1
  check "$launcher-two-nodes" "$(submit "$launcher-two-nodes" --nodes=2 --ntasks-per-node=1 --cpus-per-task=2)" 2 2
done

# With no launcher named the script takes srun. The requeue comes while the second of two members trains.
unset TUTTI_LAUNCHER
number=$(submit requeued --nodes=1 --ntasks-per-node=1)
done_members() { (cd "$folder/requeued/results.members" 2>/dev/null && ls -i | grep '\.h5$'); }  # with their inodes
for _ in {1..3000}; do
  ! members=$(done_members) || break
  sleep 0.1
done
scontrol requeue "$number" || fail "requeued: the job was over before it could be requeued"
check requeued "$number" 1 1
[[ -n $members && -z $(comm -23 <(sort <<<"$members") <(done_members | sort)) ]] ||
  fail "requeued: members that were done are not the same files afterwards"
grep -q 'start 1: srun on n' "$folder/requeued/log" && grep -q 'start 2: srun on n' "$folder/requeued/log" ||
  fail "requeued: its log does not tell of two starts by srun:
$(cat "$folder/requeued/log")"

# What stops a job in the middle, and brings it back: the signal before the time limit, which the batch shell gets; the
# SIGTERM of a preemption, which the steps get; a rank that is killed; a node that is lost.
for launcher in srun mpirun; do
  export TUTTI_LAUNCHER=$launcher
  for event in limit preemption killed node; do
    # mpirun sees to its own ranks; that it ends with them is tried in Tests/faults.sh.
    [[ $launcher-$event != mpirun-killed ]] || continue
    name=$launcher-$event
    script=preemptible.sbatch
    [[ $event == preemption ]] || script=train.sbatch
    number=$(submit "$name" --nodes=1 --ntasks-per-node=2 --time-min=5)
    await_training "$name"
    case $event in
      limit) scancel --batch --signal=USR1 "$number" ;;
      # Slurm signals the steps, and the batch step's processes where its time has come.
      preemption) scancel --full --signal=TERM "$number" ;;
      killed)
        # A rank of this job, which is told by its folder.
        kill -KILL "$(pgrep -f "^$TUTTI run $folder/$name/" | tail -n 1)"
        ;;
      node)
        node=$(squeue -h -j "$number" -o %N)
        scontrol update nodename="$node" state=down reason=tried
        scontrol update nodename="$node" state=resume
        ;;
    esac
    check "$name" "$number" 2 1 any
    grep -q 'start 2: ' "$folder/$name/log" || fail "$name: it did not start a second time:
$(cat "$folder/$name/log")"
  done
done
unset TUTTI_LAUNCHER script

# Members over the tasks of an array, then the rest.
write_job array
array=$(sbatch --parsable --time=10 --array=0-1 --output="$folder/array/members-%a.log" slurm/array.sbatch \
  "$folder/array/job.yaml" 1)
number=$(sbatch --parsable --time=10 --dependency="afterok:$array" --ntasks-per-node=1 --output="$folder/array/log" \
  slurm/train.sbatch "$folder/array/job.yaml")
check array "$number" 1 1 any
grep -q '2 of 2 members are trained already' "$folder/array/log" || fail "array: the tasks did not train the members:
$(cat "$folder/array"/*log)"
echo "Test run with $tests tests"
