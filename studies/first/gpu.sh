#!/bin/sh
# As many sets of the part `gpu` as fit into SECONDS on one GPU, smallest first; resumable.
#   studies/first/gpu.sh DATA OUT [SECONDS] [OPTIONS of bench run]
# DATA holds the npz files. What was done is packed into OUT/gpu.tar.xz. LOOKS=2 is two seeds;
# SETS="pneumonia dermamnist_rebuilt.npz" are these alone, where not all can be carried at once.
set -u
export BENCH_DATA=$1
out=$2 seconds=${3:-480}
[ $# -gt 3 ] && shift 3 || shift $#
python=${PYTHON:-python3} results=$out/results/first
end=$(($(date +%s) + seconds))
sets="breast retina pneumonia dermamnist_rebuilt.npz bloodmnist_rebuilt.npz"
for set in ${SETS:-$sets}; do
    left=$((end - $(date +%s)))
    [ "$left" -gt 20 ] || break
    timeout -s INT "$left" "$python" -m bench run --study studies/first/gpu --datasets "$set" \
        --looks "${LOOKS:-10}" --results "$results" "$@"
    echo "$set: exit code $?, $((end - $(date +%s))) s left"
done
"$python" -m bench pack studies/first/gpu --results "$results" && cp studies/first/gpu.tar.xz "$out"
