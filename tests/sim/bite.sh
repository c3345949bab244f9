#!/usr/bin/env bash
# Shows that the simulation bites: puts each bug of tests/sim/bugs into a copy of the tree, builds what
# the simulation needs, and prints the first seed that finds it. Fails if one is not found.
#
#   tests/sim/bite.sh [BUG…]          names without .patch; default: all
#   SEEDS=2000                        how many are tried
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$copy CCACHE_NOHASHDIR=1

(cd "$root" && git ls-files -z | tar --null --files-from=- -c) | tar -x -C "$copy"
cd "$copy"
# The same depth below the copy as presets have, so that the compiler cache knows its objects.
cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DHYPS_BENCH=OFF >/dev/null
build() { cmake --build build/release --target sim_cluster >build/log 2>&1 || { tail -n 30 build/log >&2; return 1; }; }
build

# The lowest seed that fails, and what it says. Each shard ends at its first failure.
first_seed() {
  tests/sim/many "${SEEDS:-2000}" 2>/dev/null | sed -n 's/^seed \([0-9]*\): \(.*\)/\1 \2/p' |
    sort -n | head -n 1
}

bugs=("$@")
[[ ${#bugs[@]} -gt 0 ]] || mapfile -t bugs < <(cd tests/sim/bugs && ls -- *.patch | sed 's/\.patch$//')
missed=0
echo '| bug | first seed | what it says |'
echo '|---|---|---|'
for bug in "${bugs[@]}"; do
  patch --quiet --strip=1 <"tests/sim/bugs/$bug.patch"
  build
  found=$(first_seed || true)
  if [[ -n $found ]]; then
    echo "| $bug | ${found%% *} | ${found#* } |"
  else
    echo "| $bug | **not found** | |"
    missed=1
  fi
  patch --quiet --strip=1 --reverse <"tests/sim/bugs/$bug.patch"
done
exit $missed
