#!/usr/bin/env bash
# Shows on one machine what hyps does: builds it, starts a cluster of real processes, classifies the
# shipped pictures, then kills a worker and the hub in the middle of a job and shows that the job went
# on from its checkpoint. Leaves nothing running. Exit code 0 only if every answer was right and no
# stored partition was computed again.
set -euo pipefail
cd "$(dirname "$0")/.."

workers=4
memory=4M # of each worker; the model's largest layer has 6 MB, so it must be cut into H-partitions
bin=build/release/bin
scratch=$(mktemp -d -t hyps-demo-XXXXXX)
cluster=

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
  echo "demo.sh: $*" >&2
  exit 1
}
clean_up() {
  if [[ -n $cluster ]]; then
    kill -CONT "${frozen:-$cluster}" 2>/dev/null || true
    kill -INT "$cluster" 2>/dev/null || true
    wait "$cluster" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT

say "1. Installing what is missing, and building (minutes the first time)"
deploy/install.sh build
cmake --preset release >"$scratch/configure.log" ||
  { cat "$scratch/configure.log"; fail "configuring failed"; }
cmake --build --preset release --target hyps hyps-hub hyps-manager hyps-voter hyps-worker

export HOME=$scratch # so that `hyps up` of this user, if one runs, is left alone
begin=$SECONDS

say "2. A broker, a hub, a manager, a voter and $workers workers with $memory for partitions each"
"$bin/hyps" up --workers $workers --memory $memory --dir "$scratch/cluster" >"$scratch/up.log" 2>&1 &
cluster=$!
for _ in $(seq 700); do
  grep -q 'The cluster is up' "$scratch/up.log" && break
  kill -0 "$cluster" 2>/dev/null || { cat "$scratch/up.log"; fail "the cluster did not start"; }
  sleep 0.1
done
grep -q 'The cluster is up' "$scratch/up.log" || fail "the cluster did not start within 70 s"
grep -E '^(broker|workers|pids)' "$scratch/up.log"
pid_of() { grep '^pids' "$scratch/up.log" | grep -oE "\b$1 [0-9]+" | cut -d' ' -f2; }

say "3. Installing the model: the manager cuts it and places the partitions"
"$bin/hyps" deploy models/shapes.onnx
"$bin/hyps" get partitions

say "4. Classifying the shipped pictures"
mapfile -t pictures < <(cut -f1 models/images/expected.tsv | grep -v '^#' | sed 's|^|models/images/|')
"$bin/hyps" infer "${pictures[@]}" | tee "$scratch/answers"
wrong=0
while IFS=$'\t' read -r file label _; do
  [[ $file == \#* ]] && continue
  grep -qE "images/$file +$label " "$scratch/answers" || {
    echo "WRONG: $file should be $label"
    wrong=$((wrong + 1))
  }
done <models/images/expected.tsv
[[ $wrong == 0 ]] || fail "$wrong answers are wrong"
echo "all ${#pictures[@]} answers are right"

# A worker is frozen first, so that the next job is certain to be in its middle when worker and hub are
# killed: the worker whose first partition comes last.
read -r victim first before < <("$bin/hyps" get partitions |
  awk 'NR > 1 && !seen[$4]++ { worker = $4; first = $2; before = NR - 2 } END { print worker, first, before }')
victim_pid=$(pid_of "$victim")
frozen=$victim_pid
hub_pid=$(pid_of hub)
say "5. Freezing $victim (it runs $first), sending a picture, then kill -9 of $victim and of the hub"
kill -STOP "$victim_pid"
"$bin/hyps" infer models/images/star.jpg -o json >"$scratch/answer.json" &
question=$!
stored=0
for _ in $(seq 100); do
  job=$("$bin/hyps" get jobs | awk '$3 == "running" { print $1; exit }')
  [[ -z $job ]] || stored=$("$bin/hyps" logs "$job" | grep -cE ' ms  stored ' || true)
  [[ $stored -ge $before ]] && break
  sleep 0.02
done
kill -9 "$victim_pid" "$hub_pid"
unset frozen
echo "killed with $stored partitions of job ${job:-?} stored"
wait "$question" || fail "the job that was interrupted has no answer"

say "6. What happened to that job (ms since it was accepted)"
"$bin/hyps" logs "$job" | tee "$scratch/timeline"
grep -q '"label": "star"' "$scratch/answer.json" || fail "the interrupted job's answer is wrong"
grep -q ' resumed ' "$scratch/timeline" || fail "the hub was not killed in the middle of the job"
again=$(awk '$3 == "stored" { done[$4] = 1 } $3 == "started" && done[$4] { print $4 }' "$scratch/timeline")
[[ -z $again ]] || fail "computed again although stored: $again"
kept=$(awk '$3 == "resumed" { exit } $3 == "stored" { printf "%s ", $4 }' "$scratch/timeline")
moved=$(awk '$3 == "resumed" { after = 1 } after && $3 == "stored" { printf "%s(%s) ", $4, $5 }' "$scratch/timeline")
cat <<END

The answer is right. From the checkpoint, not computed again: $kept
Computed after the kills, by: $moved
$((SECONDS - begin)) s after the build.
END
