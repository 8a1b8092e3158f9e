#!/bin/sh
# Builds the wheel and installs it as people do: with pip in an environment, with pipx, with uv. Each must give a working `rfidguard`.
set -eu
cd "$(dirname "$0")/.."
PY=${PY:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$PY -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" .
wheel=$(echo "$work"/rfidguard-*.whl)
mkdir -p dist && cp "$wheel" dist/
$PY -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --disable-pip-version-check uv pipx

works() {
    sed -n '/^\[site\]/,$p' systemd/rfidguard.toml.example > "$work/rfidguard.toml"
    "$2" --help >/dev/null
    "$2" check --config "$work/rfidguard.toml" >/dev/null
    (cd "$work" && "$2" simulate unpaid --out "$work/$1" >/dev/null && "$2" replay "$work/$1/journal.jsonl" --config "$work/$1/rfidguard.toml" --alarms "$work/$1/alarms.jsonl")
    grep -q '"event_type":"raised"' "$work/$1/alarms.jsonl"
    echo "ok: $1"
}

$PY -m venv "$work/env"
"$work/env/bin/pip" install --quiet --disable-pip-version-check "$wheel"
works pip "$work/env/bin/rfidguard"
PIPX_HOME="$work/pipx" PIPX_BIN_DIR="$work/pipx-bin" PIPX_MAN_DIR="$work/man" "$work/tools/bin/pipx" install --quiet --python "$($PY -c 'import sys; print(sys.executable)')" "$wheel"
works pipx "$work/pipx-bin/rfidguard"
UV_TOOL_DIR="$work/uv" UV_TOOL_BIN_DIR="$work/uv-bin" UV_CACHE_DIR="$work/uv-cache" "$work/tools/bin/uv" tool install --quiet --python "$($PY -c 'import sys; print(sys.executable)')" "$wheel"
works uv "$work/uv-bin/rfidguard"
