#!/bin/sh
# Run the quick form of every benchmark, one after the other, and fail when one fails.
# usage: scripts/run_benchmarks.sh [options handed to each, default --quick]
set -eu
cd "$(dirname "$0")/.."

[ "$#" -gt 0 ] || set -- --quick
failed=
found=
took=
begun=$(date +%s)
# A benchmark is a module that takes --quick; the others are what benchmarks share.
for script in benchmarks/*.py; do
    grep -q -e '--quick' "$script" || continue
    found=1
    name=benchmarks.$(basename "$script" .py)
    echo "== $name $*"
    from=$(date +%s)
    case $name in
    # They make their tables in the very database they are given, and are quoted on SQLite.
    *.crash_complete | *.start_complete)
        DATABASE_URL='' REDIS_URL='' .venv/bin/python -m "$name" "$@" || failed="$failed $name"
        ;;
    *)
        .venv/bin/python -m "$name" "$@" || failed="$failed $name"
        ;;
    esac
    took="$took$(printf '%5d s  %s' "$(($(date +%s) - from))" "$name")
"
done
echo "== how long each took"
printf '%s%5d s  all\n' "$took" "$(($(date +%s) - begun))"
[ -n "$found" ] || {
    echo "no module in benchmarks/ takes --quick" >&2
    exit 1
}
[ -z "$failed" ] || {
    echo "failed:$failed" >&2
    exit 1
}
