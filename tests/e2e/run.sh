#!/usr/bin/env bash
# The whole product in containers; README.md tells the story and the settings.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/e2e
work=$(mktemp -d /tmp/hyps-e2e.XXXXXX)
started=no
listeners=()

say() { echo "e2e: $*"; }
fail() {
  echo "e2e: FAILED: $*" >&2
  exit 1
}
skip() {
  [[ ${E2E_REQUIRED:-0} == 0 ]] || fail "required, but would be skipped: $*"
  say "SKIPPED: $*"
  exit 0
}
# shellcheck source=tests/e2e/engine.sh
source "$here/engine.sh"

cleanup() {
  local code=$?
  trap - EXIT
  set +e
  if [[ $code != 0 && $started == yes ]]; then
    compose logs --no-color --tail 15 >&2
  fi
  kill "${listeners[@]}" 2>/dev/null
  if [[ $started == yes ]]; then
    second_machine down --volumes >/dev/null 2>&1
    compose down --volumes >/dev/null 2>&1
    docker image rm "$image" >/dev/null 2>&1
  fi
  stop_engine
  rm -rf "$work"
  exit $code
}
trap cleanup EXIT

image=hyps-e2e
port=$((20000 + RANDOM % 20000))
if docker compose version >/dev/null 2>&1; then
  compose_program=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose_program=(docker-compose)
else
  skip "neither 'docker compose' nor docker-compose is installed: deploy/install.sh test"
fi
for tool in mosquitto_pub mosquitto_sub python3; do
  command -v $tool >/dev/null || skip "$tool is not installed: deploy/install.sh test"
done

# A budget of 4 MB a worker cuts the first fully connected layer (6.3 MB) in two at least.
export HYPS_IMAGE=$image BROKER_PORT=$port BROKER_BIND=0.0.0.0 WORKER_MEMORY=4M WORKER_MEM_LIMIT=128m
compose() { "${compose_program[@]}" --project-name hyps-e2e -f "$root/deploy/compose.yaml" "$@"; }
second_machine() {
  BROKER_HOST=$gateway WORKER_NAME=second "${compose_program[@]}" --project-name hyps-e2e-second \
    -f "$root/deploy/compose.worker.yaml" "$@"
}
container() { compose ps --quiet "$1"; }
cli() { compose exec -T manager hyps "$@"; }

# until_true SECONDS WHAT COMMAND…
until_true() {
  local seconds=$1 what=$2 end
  end=$((SECONDS + seconds))
  shift 2
  until "$@"; do
    ((SECONDS < end)) || fail "waited $seconds s for: $what"
    sleep 0.3
  done
}

# The number of elements of `hyps get $1 -o json` for which Python's $2 holds of `x`.
count_of() {
  cli get "$1" -o json 2>/dev/null |
    python3 -c "import json, sys; print(sum(1 for x in json.load(sys.stdin)['$1'] if $2))" 2>/dev/null || echo 0
}
workers_online() { [[ $(count_of workers "x['online']") == "$1" ]]; }
off_workers() { [[ $(count_of partitions "x['worker'] == '$1'") == 0 && $(count_of partitions "x['worker']") != 0 ]]; }

# Appends what is published on topic $1 to file $2 once the broker has confirmed the subscription.
listen() {
  stdbuf -oL mosquitto_sub -V 5 -p "$port" -t "$1" -q 1 -d >"$2" 2>&1 &
  listeners+=($!)
  until_true 20 "a subscription to $1" grep -q '^Subscribed' "$2"
}

publish() {
  local file=$1 job
  job=$file-$((++jobs_sent))
  echo "$job $file" >>"$work/jobs"
  mosquitto_pub -V 5 -p "$port" -q 1 -t hyps/shapes/input -f "$root/models/images/$file" \
    -D publish user-property job-id "$job"
}
publish_all() {
  local file
  while IFS=$'\t' read -r file _; do
    [[ $file == '#'* ]] || publish "$file"
  done <"$root/models/images/expected.tsv"
}

answers_right() {
  local code=0
  python3 "$here/answers.py" "$root/models/images/expected.tsv" "$work/jobs" "$work/answers" \
    >"$work/verdict" 2>&1 || code=$?
  [[ $code != 1 ]] || fail "wrong answers: $(cat "$work/verdict")"
  return $code
}
count_lines() { grep -c "$1" "$2" || true; }
accepted() { (($(count_lines '"event":"accepted"' "$work/events") >= jobs_sent)); }
answered() { (($(count_lines '^{' "$work/answers") >= $1)); }

start_engine
make_base_image
programs=${E2E_BIN:-$root/build/release/bin}
way=${E2E_IMAGE:-$([[ -x $programs/hyps-hub ]] && echo prebuilt || echo source)}
say "building the image ($way)"
build_image "$image" "$way" "$programs"
say "the image has $(($(docker image inspect --format '{{.Size}}' "$image") / 1000000)) MB"
gateway=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
[[ $gateway == *.*.*.* ]] || gateway=172.17.0.1

say "starting broker, hub, manager, voter and four workers"
started=yes
compose up --no-build --detach >"$work/up.log" 2>&1 || fail "compose up: $(tail -n 5 "$work/up.log")"
until_true 60 "four workers online" workers_online 4
[[ $(docker inspect --format '{{.HostConfig.Memory}}' "$(container worker1)") == 134217728 ]] ||
  fail "worker1 has no memory limit"
[[ $(compose exec -T worker1 id -u | tr -d '\r') == 10001 ]] || fail "a worker runs as root"

say "deploying the shipped model"
cli deploy /usr/local/share/hyps/models/shapes.onnx
horizontal=$(count_of partitions "x['kind'] == 'horizontal'")
((horizontal >= 2)) || fail "$horizontal H-partitions; workers of 4 MB need two at least"
holders=$(cli get partitions -o json | python3 -c \
  "import json, sys; print(len({x['worker'] for x in json.load(sys.stdin)['partitions']}))")
((holders >= 2)) || fail "all partitions are on one worker"

jobs_sent=0
listen hyps/shapes/output "$work/answers"
listen hyps/shapes/events "$work/events"
say "publishing one picture with mosquitto_pub -f"
publish star.jpg
until_true 60 "its answer" answers_right
say "answer: $(grep '^{' "$work/answers" | cut -c 1-160)"

say "publishing all pictures twice, and killing worker2 (docker kill) after the tenth answer"
victim=$(container worker2)
{
  until_true 60 "ten answers" answered 10
  docker kill "$victim" >/dev/null
} &
killer=$!
publish_all
publish_all
wait $killer
until_true 120 "the answers of all jobs" answers_right
say "$(cat "$work/verdict"); $(count_lines '"event":"recovered"' "$work/events") partitions recovered"
until_true 30 "worker2 to be missed" workers_online 3
until_true 30 "every partition on another worker" off_workers worker2

say "killing the hub with accepted jobs, while the workers are held"
others=("$(container worker1)" "$(container worker3)" "$(container worker4)")
docker pause "${others[@]}" >/dev/null
publish_all
until_true 60 "acceptance of all jobs" accepted
if answers_right; then fail "held workers cannot have finished every job"; fi
docker kill "$(container hub)" >/dev/null
compose start hub >/dev/null 2>&1
docker unpause "${others[@]}" >/dev/null
until_true 120 "the answers of all jobs" answers_right
say "$(cat "$work/verdict"); $(count_lines '"event":"resumed"' "$work/events") jobs resumed"

say "starting worker2 again, and a second machine's workers"
compose start worker2 >/dev/null 2>&1
second_machine up --no-build --detach >"$work/up.log" 2>&1 ||
  fail "compose.worker.yaml: $(tail -n 5 "$work/up.log")"
until_true 60 "six workers online" workers_online 6
publish_all
until_true 120 "the answers of all jobs" answers_right
say "$(cat "$work/verdict")"

if [[ -x $programs/hyps ]]; then
  say "pausing worker1 (docker pause), then slowing it (docker update), with hyps chaos"
  for deed in "pause worker1 --seconds 3" "slow worker1 --percent 20 --seconds 3"; do
    # shellcheck disable=SC2086
    "$programs/hyps" --broker "127.0.0.1:$port" chaos $deed --project hyps-e2e >"$work/chaos" 2>&1 ||
      fail "hyps chaos $deed: $(cat "$work/chaos")"
    say "$(tail -n 1 "$work/chaos")"
  done
fi

say "taking everything down"
second_machine down --volumes >/dev/null 2>&1
compose down --volumes >/dev/null 2>&1
[[ -z $(docker ps --all --quiet --filter label=com.docker.compose.project=hyps-e2e) ]] ||
  fail "containers are left"
say "passed in $SECONDS s"
