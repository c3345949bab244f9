#!/usr/bin/env bash
# Builds and runs every benchmark, one after another, and collects what they say: JSON, a table, SVG plots.
# Run it as root on a quiet machine; the machine and its load are written beside the results.
#
#   tests/bench/run.sh              all, as long as it takes (an hour or more)
#   tests/bench/run.sh --quick      few rounds of each: some minutes
#     --only NAME,NAME              bench_NAME only
#     --out FOLDER                  [build/bench]
#     --no-build                    what is built already
#     --readme                      put table and plots into tests/bench (README.md, results/), beside what is there
#
# A benchmark that cannot run here says why, and the rest goes on; one that fails makes the exit code 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
form=full
only=''
out=build/bench
build=yes
readme=''
while [[ $# -gt 0 ]]; do
  case $1 in
    --quick) form=quick ;;
    --only) only=,$2, && shift ;;
    --out) out=$2 && shift ;;
    --no-build) build=no ;;
    --readme) readme=--readme ;;
    *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift
done
bin=build/release/bin
python=/usr/bin/python3
begin=$SECONDS

say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - begin)); }

if [[ $build == yes ]]; then
  say "Installing what is missing, building"
  deploy/install.sh bench
  cmake --preset release -DHYPS_BENCH=ON >/dev/null
  cmake --build --preset release --target benches | tail -n 1
fi

# The runs of one program: a line each, LABEL|ARGUMENTS.
runs_of() { # PROGRAM
  local column=2 lines
  [[ $form == quick ]] || column=3
  lines=$(grep -E "^$1(:[a-z0-9]+)? *\|" tests/bench/arguments.txt || true)
  if [[ -z $lines ]]; then
    [[ $form == quick ]] && echo '|--rounds 3' || echo '|'
    return
  fi
  awk -F'|' -v column=$column '{ split($1, name, ":"); gsub(/ /, "", name[2]); print name[2] "|" $column }' <<<"$lines"
}

run_one() { # PROGRAM NAME ARGUMENTS…
  local name=$2 code=0 load
  load=$(cut -d' ' -f1 /proc/loadavg)
  say "$name ${*:3}"
  "$1" "${@:3}" --json "$out/$name.json" 2>"$out/$name.log" || code=$?
  if [[ $code == 77 ]]; then
    echo "$name: $(tail -n 1 "$out/$name.log")" | tee -a "$out/not-run.txt"
  elif [[ $code != 0 ]]; then
    status=1
    tail -n 20 "$out/$name.log"
    echo "$name: failed with exit code $code: $(tail -n 1 "$out/$name.log")" | tee -a "$out/not-run.txt"
  else
    $python tests/bench/report.py --stamp "$out/$name.json" "$load"
  fi
}

mkdir -p "$out"
rm -f "$out"/bench_*.json "$out"/*.svg "$out"/not-run.txt
status=0
for program in "$bin"/bench_*; do
  name=${program##*/}
  [[ -z $only || $only, == *",${name#bench_},"* ]] || continue
  while IFS='|' read -r label words <&3; do
    read -ra arguments <<<"$words"
    run_one "$program" "$name${label:+-$label}" "${arguments[@]}"
  done 3< <(runs_of "$name")
done
say "Table and plots: $out"
$python tests/bench/report.py "$out"
if [[ -n $readme ]]; then
  mkdir -p tests/bench/results
  cp "$out"/bench_*.json tests/bench/results/
  $python tests/bench/report.py tests/bench/results --readme >/dev/null
  rm -f tests/bench/results/table.md
fi
exit $status
