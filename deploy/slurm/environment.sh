# shellcheck shell=bash disable=SC2034
# What the scripts beside this one have in common; each sources it in the project's folder.
kedro=${HAPLOFORMER_KEDRO:-.venv/bin/kedro}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
# A forward pass allocates and frees gigabytes: huge pages make it 1.5 times as fast, and are read at process start only.
export THP_MEM_ALLOC_ENABLE=${THP_MEM_ALLOC_ENABLE:-1}
export GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}
export DO_NOT_TRACK=1 HF_HUB_OFFLINE=1
