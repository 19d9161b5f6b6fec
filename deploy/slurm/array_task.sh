#!/usr/bin/env bash
# A task of a job array, which predicts its part: sbatch --array=0-3 deploy/slurm/array_task.sh ENVIRONMENT 4 [PARAMS]
#SBATCH --job-name=haploformer-array
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=1-00:00:00
#SBATCH --output=build/slurm/%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
set -euo pipefail

environment=$1 tasks=$2 params=${3:-}
source deploy/slurm/environment.sh
exec "$kedro" run --env "$environment" --pipelines enformer_shards \
    --params "shard_index=$SLURM_ARRAY_TASK_ID,shard_count=$tasks${params:+,$params}"
