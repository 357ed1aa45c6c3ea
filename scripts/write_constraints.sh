#!/bin/sh
# Pin what .venv holds. To move to newer versions, first upgrade there:
#     .venv/bin/python -m pip install --upgrade --upgrade-strategy eager <names>
set -eu
cd "$(dirname "$0")/.."

.venv/bin/python -m pip check
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT
{
    echo "# Exact versions of everything the requirements files resolve to, so that two installations of"
    echo "# one commit are the same. Written by \`make constraints\`."
    .venv/bin/python -m pip freeze --local | LC_ALL=C sort -f
} >"$draft"
cat "$draft" >constraints.txt
echo "constraints.txt: $(grep -c '==' constraints.txt) versions"
