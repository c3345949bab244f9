#!/usr/bin/env bash
# A cluster under steady load, in which something random is killed every second; at the end every
# accepted job is compared with its answer.
#
#   tests/chaos/soak.sh [MINUTES]     10; HYPS_SEED=N repeats what is killed when
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:-10}
[[ $minutes =~ ^[1-9][0-9]*$ ]] || { echo "usage: tests/chaos/soak.sh [MINUTES]" >&2; exit 2; }
cmake --preset release -DHYPS_TESTS=ON >/dev/null
cmake --build --preset release --target chaos_soak hyps-hub hyps-manager hyps-voter hyps-worker hyps | tail -n 1
HYPS_SOAK_SECONDS=$((minutes * 60)) build/release/bin/chaos_soak
