#!/usr/bin/env bash
# Downloads a public network into a folder (default: this one), and checks it.
#
#   models/fetch.sh vgg16 [FOLDER]
#
# An interrupted download goes on where it stopped. What is there already and right is not fetched
# again. Addresses and checksums are in sources.txt (another list: HYPS_MODEL_SOURCES=FILE).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sources=${HYPS_MODEL_SOURCES:-$here/sources.txt}

fail() {
  echo "fetch.sh: $*" >&2
  exit 1
}

# Says what is wrong with file $1 under check $2; says nothing if it is right.
problem() {
  local file=$1 kind rest size sum
  IFS=: read -r kind rest <<<"$2"
  if [[ $kind == lines ]]; then
    local lines
    lines=$(grep -c '' "$file" || true)
    [[ $lines == "$rest" ]] || echo "has $lines lines, not $rest"
    return
  fi
  size=$(stat -c %s "$file")
  if [[ $size != "${rest#*:}" ]]; then
    echo "has $size bytes, not ${rest#*:}"
    return
  fi
  sum=$(sha256sum "$file" | cut -d ' ' -f 1)
  [[ $sum == "${rest%:*}" ]] || echo "has the SHA-256 $sum, not ${rest%:*}"
}

# Can the unfinished file $1 become one that passes check $2?
resumable() {
  local expected=${2##*:}
  [[ -f $1 && $2 == sha256:* && $(stat -c %s "$1") -lt $expected ]]
}

# Brings $1 from address $3 by way of $1.part, or says why not and returns 1.
download() {
  local file=$1 check=$2 address=$3 wrong
  # A .part that is whole already, though not yet renamed, must not be asked to grow.
  if [[ ! -f $file.part || -n $(problem "$file.part" "$check") ]]; then
    resumable "$file.part" "$check" || rm -f "$file.part"
    if ! curl --fail --location --continue-at - --output "$file.part" --connect-timeout 15 \
      --retry 3 "${progress[@]}" "$address"; then
      echo "fetch.sh: cannot download $address" >&2
      return 1
    fi
  fi
  wrong=$(problem "$file.part" "$check")
  if [[ -n $wrong ]]; then
    echo "fetch.sh: what came from $address $wrong; thrown away" >&2
    rm -f "$file.part"
    return 1
  fi
  mv "$file.part" "$file"
}

[[ $# == 1 || $# == 2 ]] || fail "usage: fetch.sh MODEL [FOLDER]; models:" \
  "$(grep -v '^#' "$sources" | cut -d ' ' -f 1 | sort -u | xargs)"
model=$1
folder=${2:-$here}
command -v curl >/dev/null || fail "needs curl: apt-get install curl"
mapfile -t files < <(grep "^$model " "$sources" || true)
[[ ${#files[@]} != 0 ]] || fail "unknown model '$model'; known are" \
  "$(grep -v '^#' "$sources" | cut -d ' ' -f 1 | sort -u | xargs)"
mkdir -p "$folder"
progress=(--silent --show-error)
if [[ -t 2 ]]; then progress=(--progress-bar); fi

for line in "${files[@]}"; do
  read -r _ name check addresses <<<"$line"
  file=$folder/$name
  if [[ -f $file && -z $(problem "$file" "$check") ]]; then
    echo "$file is there already"
    continue
  fi
  echo "fetching $file"
  got=no
  for address in $addresses; do
    if download "$file" "$check" "$address"; then
      got=yes
      break
    fi
  done
  [[ $got == yes ]] || fail "$name could not be fetched; is this machine online?" \
    "Run the same command again: it goes on where it stopped"
done

if [[ -f $here/$model.yaml && ! -f $folder/$model.yaml ]]; then
  cp "$here/$model.yaml" "$folder/"
fi
echo "done; try: hyps deploy $folder/$model.onnx --labels $folder/$model.labels.txt" \
  "--preprocess $folder/$model.yaml"
