#!/usr/bin/env bash
# Builds and runs every benchmark, one after another, and collects what they say: JSON, a table, SVG plots.
# Run it as root on a quiet machine; the machine and its load are written beside the results.
#
#   tests/bench/run.sh              all, as long as it takes (an hour or more)
#   tests/bench/run.sh --quick      few rounds of each: some minutes
#     --only NAME,NAME              bench_NAME only
#     --out FOLDER                  [build/bench]
#     --no-build                    what is built already
#     --readme                      put table and plots into tests/bench (README.md, results/)
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

arguments_of() { # PROGRAM
  local line quick=2 column=2 found
  [[ $form == quick ]] || column=3
  found=$(grep -E "^$1 *\|" tests/bench/arguments.txt || true)
  if [[ -n $found ]]; then
    cut -d'|' -f$column <<<"$found"
  elif [[ $form == quick ]]; then
    echo "--rounds 3"
  fi
}

mkdir -p "$out"
rm -f "$out"/bench_*.json "$out"/*.svg "$out"/not-run.txt
$python tests/bench/report.py --machine >"$out/machine.json"
status=0
for program in "$bin"/bench_*; do
  name=${program##*/}
  [[ -z $only || $only == *",${name#bench_},"* ]] || continue
  read -ra arguments <<<"$(arguments_of "$name")"
  say "$name ${arguments[*]}"
  code=0
  "$program" "${arguments[@]}" --json "$out/$name.json" 2>"$out/$name.log" || code=$?
  if [[ $code == 77 ]]; then
    echo "$name: $(tail -n 1 "$out/$name.log")" | tee -a "$out/not-run.txt"
  elif [[ $code != 0 ]]; then
    status=1
    tail -n 20 "$out/$name.log"
    echo "$name: failed with exit code $code: $(tail -n 1 "$out/$name.log")" | tee -a "$out/not-run.txt"
  fi
done
$python - "$out/machine.json" <<'END'
import json, os, sys
facts = json.load(open(sys.argv[1]))
facts["load_after"] = os.getloadavg()[0]
json.dump(facts, open(sys.argv[1], "w"), indent=1)
END
say "Table and plots: $out"
$python tests/bench/report.py "$out" $readme
if [[ -n $readme ]]; then
  mkdir -p tests/bench/results
  cp "$out"/*.svg "$out"/bench_*.json "$out/machine.json" tests/bench/results/
fi
exit $status
