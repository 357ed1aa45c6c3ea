#!/bin/sh
# Fetch livekit-client, with which browsers join voice rooms, from npm into static/vendor/, which is
# not committed. Without npm everything but rooms works: pages then offer browser audio and typing.
set -eu
cd "$(dirname "$0")/.."

version=2.23.0
target=static/vendor/livekit-client
if [ "$(cat "$target/VERSION" 2>/dev/null || true)" = "$version" ]; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    echo "NOT INSTALLED: livekit-client, because npm is not installed: no voice rooms in browsers" >&2
    exit 0
fi
echo "fetching livekit-client $version from npm" >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --prefix "$folder" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
    --silent "livekit-client@$version"
mkdir -p "$target"
# Its source map is not served, so the line that names it goes.
sed '/^\/\/# sourceMappingURL=/d' "$folder/node_modules/livekit-client/dist/livekit-client.umd.js" \
    > "$target/livekit-client.umd.js"
cp "$folder/node_modules/livekit-client/LICENSE" "$target/LICENSE" 2>/dev/null || true
echo "$version" > "$target/VERSION"
