#!/bin/sh
# Makes .venv, the environment of this checkout, from requirements.lock: with uv where it is
# installed, else with venv and pip. Does nothing when .venv was made from the same files already.
set -eu
cd "$(dirname "$0")/.."

# Written last of all, so that an interrupted set-up is done again from the start. The place belongs
# to it, because an environment does not survive a move.
stamp=.venv/.made-from
wanted=$(pwd -P; echo "PYTHON=${PYTHON:-}"; cksum pyproject.toml requirements.lock tools/setup.sh)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

fail() {
    echo "set-up: $1 (see above); .venv is not complete, the next set-up makes it anew" >&2
    exit 1
}

say() {
    echo "set-up: $1"
}

# Hashes, and no resolving: the lock is complete, and nothing that is not in it gets in. `hatchling`
# is in it too, so that building the project itself downloads nothing either.
if uv --version >/dev/null 2>&1; then
    python=$(sh tools/find-python.sh)
    say "making .venv with $python and uv (once; some seconds)"
    rm -rf .venv
    uv venv --quiet --no-project --python "$python" .venv || fail "uv could not make .venv"
    # Compiled here, where a syntax warning in a dependency is not yet an error of our tests.
    install="uv pip install --quiet --python .venv/bin/python --compile-bytecode"
else
    python=$(sh tools/find-python.sh venv)
    say "making .venv with $python and pip (once; a minute or two)"
    rm -rf .venv
    "$python" -m venv .venv || fail "$python could not make .venv"
    install=".venv/bin/python -m pip --disable-pip-version-check --quiet install"
fi
$install --no-deps --require-hashes -r requirements.lock || fail "the packages were not installed"
$install --no-deps --no-build-isolation -e . || fail "the project itself was not installed"

printf '%s\n' "$wanted" >"$stamp"
say "done; .venv/bin/pel is ready"
