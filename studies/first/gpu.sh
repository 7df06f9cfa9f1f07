#!/bin/sh
# As many sets of a part as fit into SECONDS on one GPU, smallest first; resumable.
#   studies/first/gpu.sh DATA OUT [SECONDS] [OPTIONS of bench run]
# DATA holds the npz files. PART is gpu, gpu_leak or gpu_fractions; what was done of it is packed into
# OUT/PART.tar.xz. SETS="pneumonia dermamnist_rebuilt.npz" are these alone, where not all can be
# carried at once. OPTIONS may be `--looks 2` for a trial of gpu, `--seeds 2` for one of the others.
set -u
export BENCH_DATA=$1
out=$2 seconds=${3:-480}
[ $# -gt 3 ] && shift 3 || shift $#
part=${PART:-gpu} python=${PYTHON:-python3} results=$out/results/first
case $part in
gpu) sets="breast retina pneumonia dermamnist_rebuilt.npz bloodmnist_rebuilt.npz" ;;
gpu_leak) sets="dermamnist_rebuilt.npz dermamnist_c_rebuilt.npz" ;;
gpu_fractions) sets=dermamnist_rebuilt.npz ;;
esac
end=$(($(date +%s) + seconds))
for set in ${SETS:-$sets}; do
    left=$((end - $(date +%s)))
    [ "$left" -gt 20 ] || break
    timeout -s INT "$left" "$python" -m bench run --study "studies/first/$part" --datasets "$set" \
        --results "$results" "$@"
    echo "$set: exit code $?, $((end - $(date +%s))) s left"
done
"$python" -m bench pack "studies/first/$part" --results "$results" && cp "studies/first/$part.tar.xz" "$out"
