#!/bin/sh
# Prints the path of the Python that the environment is made with: $PYTHON where it is set, else the
# first of the usual names that runs and is CPython 3.11 to 3.13. With the argument `venv` it must
# also be able to make an environment by itself (distributions split that off). When there is none,
# says in one line why each candidate was passed over, and exits 1.
set -eu

# Asked of the candidate itself: a name on PATH proves nothing (a pyenv shim may lead nowhere).
probe='
import sys, sysconfig
version = ".".join(map(str, sys.version_info[:3]))
if sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info[:2] <= (3, 13):
    print("is %s %s" % (sys.implementation.name, version))
elif sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("is free-threaded, and the packages are not built for that")
else:
    try:
        if "venv" in sys.argv[1:]:
            import ensurepip, venv
        print("ok " + sys.executable)
    except ImportError:
        package = "python%d.%d-venv" % sys.version_info[:2]
        print("cannot make environments (on Debian or Ubuntu: apt install %s)" % package)
'

need=${1:-}
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.13 python3.12 python3.11; fi
reasons=
for candidate in "$@"; do
    if ! command -v "$candidate" >/dev/null 2>&1; then
        reason="is not there"
    elif ! reason=$("$candidate" -c "$probe" "$need" 2>/dev/null </dev/null); then
        reason="does not run"
    fi
    case $reason in
        "ok "*) printf '%s\n' "${reason#ok }"; exit 0 ;;
    esac
    reasons="$reasons; $candidate $reason"
done
printf 'set-up: needs CPython 3.11, 3.12 or 3.13 (or PYTHON=path/to/it)%s\n' "$reasons" >&2
exit 1
