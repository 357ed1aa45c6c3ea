#!/bin/sh
# Fetch axe-core, which the browser tests check pages with, from npm into node_modules/.
# Nothing of it is committed. Without npm those checks are left out, and say so by name.
set -eu
cd "$(dirname "$0")/.."

version=4.14.1
if grep -qs "\"version\": \"$version\"" node_modules/axe-core/package.json; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    echo "NOT CHECKED: accessibility by axe-core, because npm is not installed" >&2
    exit 0
fi
echo "browser tests: fetching axe-core $version from npm" >&2
npm install --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent \
    "axe-core@$version"
