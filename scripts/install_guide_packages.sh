#!/bin/sh
# Fetch React, Vue and a bundler from npm, with which the browser tests run the parts of
# WIDGET_INTEGRATION.md that are written for them. Nothing of it is committed or served by us.
# Without npm those tests are left out, and say so by name.
set -eu
cd "$(dirname "$0")/.."

folder=node_modules/.guide
react=19.3.1
vue=3.5.45
esbuild=0.25.9
stamp="react $react vue $vue esbuild $esbuild"
if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    echo "NOT CHECKED: the guide's React and Vue parts, because npm is not installed" >&2
    exit 0
fi
echo "browser tests: fetching React $react, Vue $vue and esbuild $esbuild from npm" >&2
mkdir -p "$folder"
npm install --prefix "$folder" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
    --silent "react@$react" "react-dom@$react" "vue@$vue" "@vue/compiler-sfc@$vue" "esbuild@$esbuild"
printf '%s' "$stamp" >"$folder/stamp"
