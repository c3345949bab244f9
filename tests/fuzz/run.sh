#!/usr/bin/env bash
# Builds the fuzz targets (clang, AddressSanitizer, UndefinedBehaviorSanitizer) and runs each.
#
#   tests/fuzz/run.sh [SECONDS] [TARGET…]     10 s each, all of them
#
# What it finds is kept in build/fuzz/findings and named at the end; `build/fuzz/bin/fuzz_TARGET FILE`
# repeats it. The corpus grows in build/fuzz/corpus, so that the next run goes on where this one ended.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "usage: tests/fuzz/run.sh [SECONDS] [TARGET…]" >&2; exit 2; }
targets=("${@:2}")
build=build/fuzz
if [[ ${#targets[@]} == 0 ]]; then
  mapfile -t targets < <(sed -n 's/^hyps_fuzz_target(\([a-z]*\) .*/\1/p' tests/fuzz/CMakeLists.txt)
fi

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_targets | tail -n 1
"$build/bin/fuzz_seeds" "$build/corpus"
rm -rf "$build/findings" "$build/logs"
mkdir -p "$build/findings" "$build/logs"

run_target() { # TARGET
  "$build/bin/fuzz_$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$1-" "$build/corpus/$1" >"$build/logs/$1" 2>&1 && result=ok ||
    result=FAILED
  printf '%-12s %-6s %s inputs\n' "$1" "$result" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$1")"
  [[ $result == ok ]]
}
export -f run_target
export build seconds

if printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run_target {}'; then exit; fi
for log in "$build"/logs/*; do
  grep -q '^stat::' "$log" && ! grep -qE 'ERROR|SUMMARY|broken:' "$log" && continue
  echo "== ${log##*/}"
  grep -vE '^#[0-9]+\s+(NEW|REDUCE|INITED|READ|pulse|RELOAD)|NEW_FUNC' "$log" | tail -n 40
done
exit 1
