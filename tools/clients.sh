#!/bin/sh
# Puts real clients into `.clients`, where the tests look for them: geth's `evm` where a Go toolchain
# is found, the EthereumJS runner of `examples/ethereumjs` where Node.js is. What is not found is
# passed over, and its tests skip. (EELS is a Python package, and in `.venv` already.)
set -eu
cd "$(dirname "$0")/.."

say() {
    echo "clients: $1"
}

# `made NAME FILE...`: whether .clients/NAME was made from these very files.
made() {
    name=$1
    shift
    [ -f ".clients/$name/.made-from" ] && [ "$(cat ".clients/$name/.made-from")" = "$(cksum "$@")" ]
}

# `done_with NAME FILE...`: written last, so that what was interrupted is done again.
done_with() {
    name=$1
    shift
    cksum "$@" >".clients/$name/.made-from"
}

geth() {
    if ! command -v go >/dev/null 2>&1; then
        say "no Go toolchain: without geth"
        return
    fi
    made geth tools/clients/geth/go.mod tools/clients/geth/go.sum && return
    say "building geth's evm (once; some minutes)"
    rm -rf .clients/geth
    mkdir -p .clients/geth
    # The sums of every module are in go.sum, so nothing else gets in.
    (cd tools/clients/geth && GOFLAGS="${GOFLAGS:-} -mod=readonly" \
        go build -o ../../../.clients/geth/evm github.com/ethereum/go-ethereum/cmd/evm)
    done_with geth tools/clients/geth/go.mod tools/clients/geth/go.sum
}

ethereumjs() {
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        say "no Node.js with npm: without EthereumJS"
        return
    fi
    set -- examples/ethereumjs/*.json examples/ethereumjs/*.mjs
    made ethereumjs "$@" && return
    say "installing EthereumJS (once; half a minute)"
    rm -rf .clients/ethereumjs
    mkdir -p .clients/ethereumjs
    cp "$@" .clients/ethereumjs/
    (cd .clients/ethereumjs && npm install --silent --no-audit --no-fund --no-package-lock \
        --ignore-scripts --omit=dev)
    done_with ethereumjs "$@"
}

geth
ethereumjs
say "done: $(ls .clients 2>/dev/null | tr '\n' ' ')"
