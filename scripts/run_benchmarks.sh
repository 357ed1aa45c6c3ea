#!/bin/sh
# Run the quick form of every benchmark, one after the other, and fail when one fails.
# usage: scripts/run_benchmarks.sh [options handed to each, default --quick]
set -eu
cd "$(dirname "$0")/.."

[ "$#" -gt 0 ] || set -- --quick
failed=
found=
for script in benchmarks/bench_*.py; do
    [ -f "$script" ] || continue
    found=1
    name=$(basename "$script" .py)
    echo "== $name $*"
    .venv/bin/python -m "benchmarks.$name" "$@" || failed="$failed $name"
done
[ -n "$found" ] || {
    echo "no benchmarks/bench_*.py was found" >&2
    exit 1
}
[ -z "$failed" ] || {
    echo "failed:$failed" >&2
    exit 1
}
