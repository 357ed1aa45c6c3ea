#!/bin/sh
# Print the path of a Chromium for the browser tests; install Debian's when there is none.
# $CHROMIUM wins when it is set.
set -eu

if [ -n "${CHROMIUM:-}" ]; then
    command -v "$CHROMIUM" || {
        echo "CHROMIUM=$CHROMIUM cannot be run" >&2
        exit 1
    }
    exit
fi

search() {
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$name" && return
    done
    return 1
}

search && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "browser tests: installing the Debian package chromium" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    search && exit
fi
echo "No Chromium was found: install the package chromium (as an administrator:" \
    "apt-get install chromium), or name one: make test-browser CHROMIUM=/path/to/chromium" >&2
exit 1
