#!/usr/bin/env bash
# Builds and runs all tests; what CI calls. From a clean clone on a fresh Debian 12 it installs what is
# missing first.
#
#   tests/run.sh            everything below
#   tests/run.sh --quick    release build, unit, contract and conformance tests only
#   HYPS_ASSETS=DIR …       with a folder of pretrained models and photos (default: a folder `assets`
#                           in a folder beside the checkout; tests that need it are
#                           skipped, saying so, where there is none)
set -euo pipefail
cd "$(dirname "$0")/.."
quick=no
[[ ${1:-} != --quick ]] || quick=yes
jobs=$(nproc)
begin=$SECONDS

say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - begin)); }

say "Installing what is missing"
deploy/install.sh test
# Where ccache is used, clones in different folders share it.
export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

if [[ -z ${HYPS_ASSETS:-} ]]; then
  assets=$(ls -d ../*/assets/reference.tsv 2>/dev/null | head -n 1 || true)
  [[ -z $assets ]] || HYPS_ASSETS=$(cd "$(dirname "$assets")" && pwd)
fi
export HYPS_ASSETS=${HYPS_ASSETS:-}

say "Formatting"
git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror

say "Building"
cmake --preset release -DHYPS_TESTS=ON -DHYPS_BENCH=ON >/dev/null
cmake --build --preset release

run_tests() { # PRESET LABELS [more arguments of ctest]
  ctest --test-dir "build/$1" --label-regex "$2" "${@:3}" --parallel "$jobs" --output-on-failure --no-tests=error \
    --timeout 900 | grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test +#.* Passed )'
}

say "Unit, contract and conformance tests"
run_tests release '^(unit|contract|conformance|sim)$'
if [[ $quick == yes ]]; then exit; fi

say "Real processes: the command line, bad input, whole clusters, kills, chaos"
# They wait more than they compute.
jobs=$((jobs + 1)) run_tests release '^(integration|chaos)$'

say "Unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset asan -DHYPS_BENCH=OFF >/dev/null
cmake --build --preset asan --target unit_tests
run_tests asan '^unit$'

say "Event loop and bus under ThreadSanitizer"
cmake --preset tsan -DHYPS_BENCH=OFF >/dev/null
cmake --build --preset tsan --target unit_runtime unit_bus contract_bus
TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp \
  run_tests tsan '^(unit|contract)$' --tests-regex '^(unit_runtime|unit_bus|contract_bus)\.'

say "Fuzzing, briefly"
tests/fuzz/run.sh 4

say "Containers"
E2E_REQUIRED=${CI:+1} tests/e2e/run.sh

say "Benchmark: VGG16 through a cluster over the whole model in one process"
build/release/bin/bench_cluster --rounds 5

say "All tests passed"
