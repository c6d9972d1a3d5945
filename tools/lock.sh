#!/bin/sh
# Writes requirements.lock anew from pyproject.toml: one lock for CPython 3.11 to 3.13 on every
# platform, every package pinned, every file of it with its hash, and no address of any registry.
# Pins that still fit are kept; `--upgrade` and `--upgrade-package NAME` move them.
set -eu
cd "$(dirname "$0")/.."

uv_version=0.13.8
python=$(sh tools/find-python.sh venv)
uv=build/lock-$uv_version/bin/uv
if ! "$uv" --version >/dev/null 2>&1; then
    "$python" -m venv --clear "build/lock-$uv_version"
    "build/lock-$uv_version/bin/python" -m pip --disable-pip-version-check --quiet \
        install "uv==$uv_version"
fi
"$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    --extra dev --extra eels --output-file requirements.lock "$@" pyproject.toml
