#!/usr/bin/env bash
# A job that runs pipelines: sbatch deploy/slurm/step.sh ENVIRONMENT PIPELINES [PARAMS]
#SBATCH --job-name=haploformer
#SBATCH --cpus-per-task=1
#SBATCH --mem=8G
#SBATCH --time=1-00:00:00
#SBATCH --output=build/slurm/%x-%j.log
#SBATCH --open-mode=append
set -euo pipefail

environment=$1 pipelines=$2 params=${3:-}
source deploy/slurm/environment.sh
exec "$kedro" run --env "$environment" --pipelines "$pipelines" --params "$params"
