#!/usr/bin/env bash
# How long until all goes on, after something died, fell silent or was started again: the table in
# README.md. Run it on a quiet machine; the load in the last column says how quiet it was.
#
#   tests/chaos/recovery.sh [ROUNDS [TESTS]]    200, all; HYPS_STORED_JOBS=N [10000] for the hub's restart
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-200}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "usage: tests/chaos/recovery.sh [ROUNDS [TESTS]]" >&2; exit 2; }
cmake --preset release -DHYPS_TESTS=ON >/dev/null
cmake --build --preset release --target chaos_recovery hyps-hub hyps-manager hyps-voter hyps-worker hyps | tail -n 1
echo '| ms until | rounds | median | p90 | p99 | worst | load |'
echo '|---|---|---|---|---|---|---|'
status=0
HYPS_ROUNDS=$rounds HYPS_STORED_JOBS=${HYPS_STORED_JOBS:-10000} \
  build/release/bin/chaos_recovery --gtest_filter="${2:-*}" >/tmp/hyps-recovery.$$ 2>&1 || status=$?
grep '^|' /tmp/hyps-recovery.$$ || true
[[ $status == 0 ]] || tail -n 40 /tmp/hyps-recovery.$$
rm -f /tmp/hyps-recovery.$$
exit $status
