#!/usr/bin/env bash
# Installs from Debian 12's own packages what hyps needs. Safe to run again; says nothing when
# nothing is missing.
#
#   deploy/install.sh run     what the programs need: libraries and the Mosquitto broker
#   deploy/install.sh build   run, and compilers and headers
#   deploy/install.sh test    build, and what the tests need: clients, ONNX's test data, a container engine,
#                             clang with libFuzzer
#   deploy/install.sh bench   build, and what some benchmarks compare hyps with
#   deploy/install.sh list run|build|test|bench     only prints the packages
#
# Debian starts a broker of its own on 127.0.0.1:1883 when it installs Mosquitto. hyps never uses that
# one: it starts its own on another port, or in a container.
set -euo pipefail

run=(
  mosquitto mosquitto-clients
  libpaho-mqttpp3-1 libpaho-mqtt1.3 libmosquitto1
  librocksdb7.8
  libdnnl2
  libonnx1 libprotobuf32
  libjpeg62-turbo libpng16-16 libzip4
  libspdlog1.10 libfmt9 libyaml-cpp0.7 libxxhash0 libzstd1
)
build=(
  g++ cmake ninja-build ccache pkg-config git curl ca-certificates
  libpaho-mqttpp-dev libpaho-mqtt-dev libmosquitto-dev
  librocksdb-dev
  libdnnl-dev
  libonnx-dev libprotobuf-dev protobuf-compiler
  libjpeg62-turbo-dev libpng-dev libzip-dev
  libspdlog-dev libfmt-dev libyaml-cpp-dev libxxhash-dev libzstd-dev
  libcereal-dev nlohmann-json3-dev libcli11-dev
  libgtest-dev libgmock-dev
)
test=(
  libonnx-testdata python3-onnx python3-numpy
  docker.io docker-compose mmdebstrap
  procps iproute2 iptables clang-format
  clang libclang-rt-14-dev
)
bench=(
  libopencv-dnn-dev
)

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

packages_of() {
  case $1 in
    run) printf '%s\n' "${run[@]}" ;;
    build) printf '%s\n' "${run[@]}" "${build[@]}" ;;
    test) printf '%s\n' "${run[@]}" "${build[@]}" "${test[@]}" ;;
    bench) printf '%s\n' "${run[@]}" "${build[@]}" "${bench[@]}" ;;
    *) fail "unknown set '$1'; there are run, build, test and bench" ;;
  esac
}

# Of the packages given, those not installed.
missing_of() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      echo "$package"
  done
}

require_debian_12() {
  local id='' version=''
  if [[ -r /etc/os-release ]]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  [[ $id == debian && $version == 12 ]] ||
    fail "this machine runs '${id:-unknown} ${version}', and these packages are those of Debian 12" \
      "(bookworm; Raspberry Pi OS of that release too). Elsewhere use containers: deploy/compose.yaml"
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "packages are missing, and installing them needs root: run this as root, or install sudo"
  fi
}

[[ $# -ge 1 ]] || fail "usage: install.sh run|build|test|bench"
only_list=no
if [[ $1 == list ]]; then
  only_list=yes
  shift
fi
wanted=()
for set_name in "$@"; do
  list=$(packages_of "$set_name")
  mapfile -t -O "${#wanted[@]}" wanted <<<"$list"
done
if [[ $only_list == yes ]]; then
  printf '%s\n' "${wanted[@]}" | sort -u
  exit
fi

require_debian_12
mapfile -t missing < <(missing_of "${wanted[@]}" | sort -u)
[[ ${#missing[@]} != 0 ]] || exit 0
echo "install.sh: installing ${#missing[@]} packages: ${missing[*]}"
as_root apt-get update --quiet=2 ||
  fail "apt-get update failed; is this machine online?"
as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends \
  -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null ||
  fail "apt-get could not install them; see its message above"
