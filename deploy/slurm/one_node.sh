#!/usr/bin/env bash
# Shows that a job array and a Dask cluster under SLURM store the same bytes as a plain run of the demo.
#
# For a throw-away machine or container with Debian 12, where `make setup` has run: as root this installs Debian's SLURM.
# It then starts a SLURM of one node (this one, as if it had two CPUs) with files of its own in a temporary folder, submits
# the demo as an array of four tasks of which one is killed and repeated, then on two Dask workers, and stops SLURM.
# Prints the sha256 of all files of each run's store; exit code 1 if they differ.
set -euo pipefail

cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 SBATCH_MEM_PER_NODE=2G
source deploy/slurm/environment.sh
folder=$(mktemp -d)
chmod 755 "$folder"
export SLURM_CONF=$folder/slurm.conf

install_slurm() {
    local program
    for program in munged slurmctld slurmd sbatch; do
        if ! PATH=$PATH:/usr/sbin command -v "$program" >/dev/null; then
            apt-get update -qq
            apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
            return
        fi
    done
}

configure() {
    local host user
    host=$(hostname -s) user=$(id -un)
    cat >"$SLURM_CONF" <<CONF
ClusterName=one-node
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# No control groups: containers often have none that could be written.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
PartitionName=all Nodes=$host Default=YES
CONF
    mkdir "$folder/state" "$folder/spool"
}

start_daemons() {
    local sbin=/usr/sbin
    dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
    chmod 600 "$folder/munge.key"
    "$sbin/munged" --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
    "$sbin/slurmctld"
    "$sbin/slurmd"
    for _ in {1..60}; do
        [[ $(sinfo -h -o %T) == idle ]] && return
        sleep 0.5
    done
    echo "the node is not idle:" >&2
    sinfo -R >&2
    return 1
}

stop_daemons() {
    local code=$? daemon pid
    scancel --user="$(id -un)" 2>/dev/null || true
    for daemon in slurmd slurmctld munged; do
        if pid=$(cat "$folder/$daemon.pid" 2>/dev/null); then
            kill "$pid"
            while kill -0 "$pid" 2>/dev/null; do
                sleep 0.1
            done
        fi
    done
    if [[ $code == 0 ]]; then
        rm -rf "$folder"
    else
        echo "failed; logs: $folder, build/slurm" >&2
    fi
}

state() {
    scontrol -o show job "$1" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | sort -u
}

jobs_left() {
    [[ -n $(squeue -h -o %i) ]]
}

wait_for_jobs() {
    while jobs_left; do
        sleep 0.5
    done
}

require_state() {
    local found
    found=$(state "$1")
    echo "job $1: $found"
    [[ $found == "$2" ]]
}

job() {
    sed -n "s/^$1: job //p" <<<"$2"
}

store() {
    echo "data/07_model_output/demo/$1/track_predictions.zarr"
}

hash_store() {
    (cd "$(store "$1")" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
}

run_plainly() {
    "$kedro" run --pipelines data_prep,sequence_build,enformer_inference --params "run_name=$1"
}

run_as_array() {
    local printed array
    printed=$(deploy/slurm/submit.sh local 4 "run_name=$1" --cpus-per-task=1)
    echo "$printed"
    array=$(job array "$printed")
    until [[ -f data/07_model_output/demo/$1/track_predictions.status.2-of-4.json ]]; do
        jobs_left
        sleep 0.1
    done
    scancel --signal=KILL --full "${array}_2"
    wait_for_jobs
    require_state "${array}_2" CANCELLED
    require_state "$(job publish "$printed")" CANCELLED
    printed=$(deploy/slurm/submit.sh --only 2 local 4 "run_name=$1" --cpus-per-task=1)
    echo "$printed"
    wait_for_jobs
    require_state "$(job publish "$printed")" COMPLETED
}

run_on_dask() {
    deploy/slurm/dask.sh local 2 "run_name=$1,execution.cluster.memory_gib=2"
}

trap stop_daemons EXIT
install_slurm
configure
start_daemons
rm -rf data/*/demo/one-node-{plain,array,dask} build/slurm
run_plainly one-node-plain
run_as_array one-node-array
run_on_dask one-node-dask

expected=$(hash_store one-node-plain)
for run in one-node-plain one-node-array one-node-dask; do
    echo "$(hash_store "$run")  $run"
done
for run in one-node-array one-node-dask; do
    diff -rq "$(store one-node-plain)" "$(store "$run")"
    [[ $(hash_store "$run") == "$expected" ]]
done
echo "All are the same."
