#!/usr/bin/env bash
# Predicts a cohort on Dask workers, each a SLURM job: on a login node, or in a job (sbatch deploy/slurm/dask.sh ...).
#
#   deploy/slurm/dask.sh ENVIRONMENT WORKERS [PARAMS]
#
# PARAMS also say what a worker is: execution.cluster.threads=4,execution.cluster.memory_gib=8,
# execution.cluster.queue=long,execution.cluster.account=lab,execution.cluster.walltime=12:00:00
#SBATCH --job-name=haploformer-dask
#SBATCH --cpus-per-task=1
#SBATCH --mem=8G
#SBATCH --time=2-00:00:00
#SBATCH --output=build/slurm/%x-%j.log
set -euo pipefail

if [[ $# -lt 2 ]]; then
    sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2
    exit 2
fi
environment=$1 workers=$2 params=${3:-}
# In a job this is a copy that lies elsewhere, run in the folder of whoever submitted it.
[[ -f deploy/slurm/environment.sh ]] || cd "$(dirname "$0")/../.."
source deploy/slurm/environment.sh
export DASK_JOBQUEUE__SLURM__LOG_DIRECTORY=build/slurm
"$kedro" run --env "$environment" --pipelines data_prep,sequence_build --params "$params"
exec "$kedro" run --env "$environment" --pipelines enformer_inference --params \
    "executor=dask,execution.cluster.kind=slurm,execution.cluster.workers=$workers${params:+,$params}"
