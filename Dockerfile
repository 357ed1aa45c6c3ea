# One image for every process: web, job worker, voice worker, and the management commands.
#     docker build -t parley .
#     docker run --env-file .env -p 8000:8000 parley                        # web
#     docker run --env-file .env parley python manage.py run_worker         # jobs
# compose.yaml starts all of them with PostgreSQL, Redis, LiveKit and a store for files.

# --- livekit-client, with which browsers join voice rooms ---
FROM node:22-bookworm-slim AS client
WORKDIR /src
COPY scripts/install_livekit_client.sh scripts/
RUN scripts/install_livekit_client.sh

# --- the virtual environment, and static files with a hash of their content in the name ---
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/parley
RUN python -m venv .venv
COPY requirements.txt constraints.txt ./
RUN .venv/bin/pip install -r requirements.txt
COPY . .
COPY --from=client /src/static/vendor static/vendor
# No secret: this key exists while the line runs, because settings refuse to load without one.
RUN SECRET_KEY=only-while-static-files-are-collected ALLOWED_HOSTS=localhost DATA_DIR=/tmp/build \
    .venv/bin/python manage.py collectstatic --noinput --verbosity 0

# --- what runs ---
FROM python:3.11-slim-bookworm AS run
# pg_dump and pg_restore for the backups; a font with many alphabets for the videos.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /srv/parley --shell /usr/sbin/nologin parley \
    && install -d -o parley -g parley /var/lib/parley
WORKDIR /srv/parley
COPY --from=build /srv/parley /srv/parley
ENV PATH=/srv/parley/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/var/lib/parley \
    WEB_HOST=0.0.0.0 \
    PORT=8000
USER parley
VOLUME /var/lib/parley
EXPOSE 8000
# For the web process; workers have a check of their own in compose.yaml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 \
    CMD ["python", "scripts/probe_web.py"]
STOPSIGNAL SIGTERM
CMD ["scripts/serve_web.sh"]
