# shellcheck shell=bash disable=SC2154
# A container engine for run.sh: sourced, not run. Sets DOCKER_HOST where it starts one of its own.
# REQUIRES: $root, $work (a temporary folder with a short path), the functions say, skip and fail.

engine_pid=''

engine_answers() { docker info >/dev/null 2>&1; }

# Starts dockerd with all it owns below $work.
start_engine() {
  command -v docker >/dev/null && engine_answers && return
  [[ $(id -u) == 0 ]] || skip "no container engine answers, and starting one needs root"
  command -v dockerd >/dev/null || skip "no container engine is installed: deploy/install.sh test"
  mkdir -p "$work/engine"
  export DOCKER_HOST=unix://$work/engine/docker.sock
  had_bridge=no
  if [[ -e /sys/class/net/docker0 ]]; then had_bridge=yes; fi
  dockerd --host "$DOCKER_HOST" --data-root "$work/engine/data" --exec-root "$work/engine/exec" \
    --pidfile "$work/engine/docker.pid" >"$work/engine/log" 2>&1 &
  engine_pid=$!
  local second
  for ((second = 0; second < 60; second++)); do
    if engine_answers; then
      say "started a container engine ($(docker info --format '{{.Driver}}, cgroup v{{.CgroupVersion}}'))"
      return
    fi
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 1
  done
  skip "a container engine does not start here: $(tail -n 1 "$work/engine/log")"
}

stop_engine() {
  [[ -n $engine_pid ]] || return 0
  kill "$engine_pid" 2>/dev/null || true
  wait "$engine_pid" 2>/dev/null || true
  engine_pid=''
  # A network namespace of its own stays mounted there.
  awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts | xargs --no-run-if-empty umount
  if [[ $had_bridge == no ]]; then ip link delete docker0 2>/dev/null || true; fi
}

# debian:bookworm-slim: from a registry, else from Debian's packages.
make_base_image() {
  docker image inspect debian:bookworm-slim >/dev/null 2>&1 && return
  timeout 120 docker pull --quiet debian:bookworm-slim >/dev/null 2>&1 && return
  command -v mmdebstrap >/dev/null ||
    skip "no registry is reachable, and mmdebstrap is not installed: deploy/install.sh test"
  say "making the base image, as no registry is reachable"
  mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar" >"$work/mmdebstrap.log" 2>&1 ||
    skip "the base image cannot be made: $(tail -n 1 "$work/mmdebstrap.log")"
  docker import - debian:bookworm-slim <"$work/base.tar" >/dev/null
  rm -f "$work/base.tar"
}

# Builds the image $1 by $2: source or prebuilt (programs in folder $3).
build_image() {
  local name=$1 way=$2 programs=$3 log=$work/build.log
  # The host's network, so that apt-get works where containers have no way out.
  local build=(docker build --network host)
  if [[ $way == source ]]; then
    "${build[@]}" -f "$root/docker/Dockerfile" -t "$name" "$root" >"$log" 2>&1 || build_failed "$log"
    return
  fi
  "${build[@]}" -f "$root/docker/Dockerfile" --target runtime -t "$name-runtime" "$root" >"$log" 2>&1 ||
    build_failed "$log"
  mkdir -p "$work/programs"
  local program
  for program in hyps hyps-hub hyps-manager hyps-voter hyps-worker; do
    strip -o "$work/programs/$program" "$programs/$program"
  done
  "${build[@]}" -f "$root/docker/Dockerfile.prebuilt" --build-arg "RUNTIME=$name-runtime" -t "$name" \
    "$work/programs" >"$log" 2>&1 || build_failed "$log"
}

build_failed() {
  tail -n 30 "$1" >&2
  fail "the image could not be built"
}
