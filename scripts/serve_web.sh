#!/bin/sh
# Serve pages, REST and sockets: the web process of every kind of deployment.
# usage: scripts/serve_web.sh
#   WEB_HOST         address to listen on, default 127.0.0.1 (0.0.0.0 inside a container)
#   PORT             default 8000
#   WEB_CONCURRENCY  processes, default 1; more than one needs PostgreSQL and REDIS_URL
#   WEB_SERVER       uvicorn (default) or granian, which is not among the requirements:
#                    .venv/bin/pip install granian
set -eu
cd "$(dirname "$0")/.."

bin=.venv/bin
[ -x "$bin/python" ] || bin=$(dirname "$(command -v python3)")
host=${WEB_HOST:-127.0.0.1}
port=${PORT:-8000}
workers=${WEB_CONCURRENCY:-1}

# With several processes /metrics adds them up, from files of this start alone.
if [ "$workers" -gt 1 ] && [ -z "${PROMETHEUS_MULTIPROC_DIR:-}" ]; then
    PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
    export PROMETHEUS_MULTIPROC_DIR
fi

case ${WEB_SERVER:-uvicorn} in
# Proxies' headers are read by Parley itself (TRUSTED_PROXY_COUNT). Compressed frames would halve
# the events a core can deliver; no frame anybody may send is longer than 64 KiB.
uvicorn)
    exec "$bin/python" -m uvicorn config.asgi:application --host "$host" --port "$port" \
        --workers "$workers" --no-proxy-headers --no-access-log --no-server-header \
        --log-level warning --timeout-keep-alive 65 --timeout-graceful-shutdown 20 \
        --ws-max-size 131072 --ws-per-message-deflate false
    ;;
granian)
    exec "$bin/python" -m granian --interface asgi --host "$host" --port "$port" \
        --workers "$workers" --no-access-log --log-level warning --ws \
        --workers-kill-timeout 20 --respawn-failed-workers config.asgi:application
    ;;
*)
    echo "WEB_SERVER must be uvicorn or granian." >&2
    exit 2
    ;;
esac
