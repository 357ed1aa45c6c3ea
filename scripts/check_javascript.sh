#!/bin/sh
# Let Node parse every script of ours as an ES module, which is how the pages load them.
# usage: scripts/check_javascript.sh
set -eu
cd "$(dirname "$0")/.."

if ! command -v node >/dev/null 2>&1; then
    echo "NOT CHECKED: JavaScript syntax, because node is not installed" >&2
    exit 0
fi

failed=0
count=0
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find . -name node_modules -prune -o -path './.*' -prune -o -path './var' -prune \
    -o -path './staticfiles' -prune -o -path './static/vendor' -prune \
    -o \( -name '*.js' -o -name '*.mjs' \) -print >"$list"
while IFS= read -r file; do
    count=$((count + 1))
    # From standard input the name's ending does not decide how Node reads the text.
    if ! node --input-type=module --check - <"$file"; then
        echo "$file: not a valid ES module" >&2
        failed=1
    fi
done <"$list"
echo "javascript: $count files parsed"
exit "$failed"
