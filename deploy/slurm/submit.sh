#!/usr/bin/env bash
# Predicts a cohort as a job array: one job prepares, the tasks each predict a part, a last job publishes.
#
#   deploy/slurm/submit.sh [--only INDICES] ENVIRONMENT TASKS [PARAMS] [SBATCH OPTION ...]
#
# ENVIRONMENT   conf/ENVIRONMENT; local is the demo
# TASKS         how many tasks share the work
# PARAMS        for kedro run --params, the same in every job: enformer.preset=full,run_name=first
# SBATCH OPTION for the tasks alone: --cpus-per-task=8 --gres=gpu:1 --array=0-99%20
# --only        repeat these tasks (3 or 3,7-9), then publish: nothing is prepared again
#
# Partition, account and so on of all jobs: sbatch's own variables (SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_QOS,
# SBATCH_TIMELIMIT, SBATCH_MEM_PER_NODE). What a job asks for otherwise is at the top of step.sh and array_task.sh.
set -euo pipefail

usage() {
    sed -n 's/^# \{0,1\}//; 3,12p' "$0" >&2
    exit 2
}

only=
if [[ ${1:-} == --only ]]; then
    only=${2:?--only needs the numbers of tasks}
    shift 2
fi
[[ $# -ge 2 && $2 =~ ^[1-9][0-9]*$ ]] || usage
environment=$1 tasks=$2
shift 2
params=
if [[ $# -gt 0 && $1 != --* ]]; then
    params=$1
    shift
fi

cd "$(dirname "$0")/../.."
mkdir -p build/slurm

submit() {
    sbatch --parsable --kill-on-invalid-dep=yes "$@" | cut -d ';' -f 1
}

after=()
if [[ -z $only ]]; then
    prepare=$(submit deploy/slurm/step.sh "$environment" data_prep,sequence_build "$params")
    echo "prepare: job $prepare"
    after=(--dependency="afterok:$prepare")
fi
array=$(submit --array="${only:-0-$((tasks - 1))}" "${after[@]}" "$@" \
    deploy/slurm/array_task.sh "$environment" "$tasks" "$params")
echo "array: job $array"
publish=$(submit --dependency="afterok:$array" deploy/slurm/step.sh "$environment" enformer_inference "$params")
echo "publish: job $publish"
