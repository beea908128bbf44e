# Slipway's own processes: web, console, worker, beat. Machine images are built elsewhere
# (sandbox/images); which process may do what is in docker-compose.yml.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
COPY requirements.txt deploy/wheels /wheels/
# From the wheels that `python -m deploy.prepare` fetched, else from the index that pip knows.
# This stage is left behind: no wheel and nothing of the building host is in the image.
RUN python3 -m venv /venv \
    && if ls /wheels/*.whl >/dev/null 2>&1; then set -- --no-index --find-links /wheels; fi \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check "$@" \
        --only-binary :all: --require-hashes --requirement /wheels/requirements.txt \
    && /venv/bin/pip uninstall --yes --quiet setuptools pip

FROM ${BASE_IMAGE}
LABEL org.slipway.app="web, console, worker and beat of Slipway"
# A fixed id: volumes keep their owner from one version of the image to the next.
RUN groupadd --gid 10001 slipway \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin slipway \
    && install -d -o slipway -g slipway -m 700 /data
COPY --from=packages /venv /venv
WORKDIR /app
# Root owns the code, the processes can't change it. Folder by folder, so that what else lies
# in the working tree never gets in; .dockerignore says the same once more.
COPY manage.py ./
COPY config config/
COPY classroom classroom/
COPY sandbox sandbox/
COPY templates templates/
COPY static static/
COPY courses courses/
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SLIPWAY_DATA=/data \
    DJANGO_SETTINGS_MODULE=config.settings
# Compiled here, because the containers' file systems are read-only.
RUN python -m compileall -q config classroom sandbox courses
USER slipway
EXPOSE 8000
CMD ["uvicorn", "config.serving:application", "--host", "0.0.0.0", "--port", "8000"]
