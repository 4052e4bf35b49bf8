# Read by the batch scripts beside it: `launch COMMAND…` runs `tutti COMMAND…` on all tasks of the Slurm job. When a
# signal stops it (exit status 75) or a rank was lost, the job is put back into the queue, and goes on when it starts
# again.
#
# Environment:
#   TUTTI           the program (default: .build/release/tutti)
#   TUTTI_LAUNCHER  srun or mpirun (default: srun where its PMIx can start MPI programs)
#   TUTTI_RESTARTS  how often a job is put back after a rank was lost (default: 3); stopped ones always are
#   TUTTI_REQUEUE   how it is put back (default: scontrol requeue JOB); false: not at all

say() { echo "$(date '+%F %T') $*"; }

tutti=${TUTTI:-.build/release/tutti}
if [[ ! -x $tutti ]]; then
  echo "${0##*/}: there is no $PWD/$tutti. Build it (swift build -c release --product tutti), submit from the" \
    "repository's folder, or set TUTTI to the program's path." >&2
  exit 2
fi

# One rank a task, one thread a core of the task. srun no longer takes --cpus-per-task from sbatch since Slurm 22.05.
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
export SRUN_CPUS_PER_TASK=$OMP_NUM_THREADS
# Locks where the file system has them (Lustre and NFS often have none).
export HDF5_USE_FILE_LOCKING=${HDF5_USE_FILE_LOCKING:-BEST_EFFORT}
# When mpirun itself is asked to end: the seconds before its ranks get SIGTERM, and from there to SIGKILL (1 else).
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-5}
# mpirun ends a run a minute after a node stopped answering (eight minutes else), whatever the ranks do at that time.
export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-30}
export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-10}
export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-3}

# srun where its PMIx can start an MPI program, else mpirun. With another kind (pmi2) Open MPI would start every rank
# as a world of its own.
launcher=${TUTTI_LAUNCHER:-}
if [[ -z $launcher ]]; then
  if srun --mpi=list 2>&1 | grep -qw pmix; then launcher=srun; else launcher=mpirun; fi
fi
case $launcher in
  srun) launcher_command=(srun --mpi=pmix --kill-on-bad-exit=1) ;;
  mpirun) launcher_command=(mpirun --map-by "slot:PE=$OMP_NUM_THREADS" --bind-to core) ;;
  *) echo "${0##*/}: TUTTI_LAUNCHER is $launcher; it may be srun or mpirun" >&2; exit 2 ;;
esac

# The job as scontrol names it: a task of an array is put back by itself.
job=$SLURM_JOB_ID
[[ -z ${SLURM_ARRAY_JOB_ID:-} ]] || job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

stop_signal=
run=
# The time limit (USR1, by --signal=B:USR1@…), preemption and scancel (TERM). Both launchers hand USR1 on to the ranks;
# asked to end themselves they would leave the ranks no time.
on_signal() {
  stop_signal=$1
  say "job $job: SIG$1; the ranks are told to stop"
  [[ -z $run ]] || kill -USR1 "$run" 2>/dev/null || true
}
trap 'on_signal USR1' USR1
trap 'on_signal TERM' TERM

requeue() {
  local command=${TUTTI_REQUEUE:-scontrol requeue $job}
  say "job $job: $1; it is put back into the queue"
  $command
  # Slurm ends this script then; without a queue to go back to the status tells what happened.
  sleep 60 &
  wait $! || true
  exit 75
}

launch() {
  say "job $job, start $((${SLURM_RESTART_COUNT:-0} + 1)): $launcher on $SLURM_JOB_NODELIST, $OMP_NUM_THREADS thread(s) a rank"
  "${launcher_command[@]}" "$tutti" "$@" &
  run=$!
  # `wait` returns when a trap has run, too.
  local status=0
  while true; do
    status=0
    wait "$run" || status=$?
    kill -0 "$run" 2>/dev/null || break
  done
  run=
  say "job $job: tutti $1 ended with status $status"
  case $status in
    0) ;;
    75) requeue "stopped" ;;
    *)
      # mpirun that was asked to end itself, with its ranks, has a status of its own.
      if [[ -n $stop_signal ]]; then requeue "stopped"; fi
      # A rank ended by a signal, or was not heard of.
      if ((status > 128 || status == 76)) && ((${SLURM_RESTART_COUNT:-0} < ${TUTTI_RESTARTS:-3})); then
        requeue "a rank was lost"
      fi
      exit "$status"
      ;;
  esac
}
