#!/bin/sh
# Make .venv in the root of the clone and install one requirements file into it.
# usage: scripts/create_venv.sh requirements-dev.txt
# Idempotent: what is already installed in the pinned version is left alone.
set -eu

requirements=${1:?usage: scripts/create_venv.sh <requirements file>}
cd "$(dirname "$0")/.."

fail() {
    echo "set-up: $*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in "${PYTHON:-python3.11}" python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 && is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and none was found." \
        "Install it, or name it: make PYTHON=/path/to/python3.11 ..."
}

# Debian ships venv without the part that puts pip into it.
install_ensurepip() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package="python$version-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "set-up: installing the Debian package $package"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$package" >/dev/null
    else
        fail "$1 cannot make virtual environments: install the package $package and try again."
    fi
}

# A folder whose Python is gone (moved clone, upgraded system) is made anew.
if ! .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    python=$(find_python)
    "$python" -c 'import ensurepip' >/dev/null 2>&1 || install_ensurepip "$python"
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "set-up: installing $requirements into .venv"
.venv/bin/python -m pip install --disable-pip-version-check --quiet -r "$requirements"
touch ".venv/.installed-$requirements"
