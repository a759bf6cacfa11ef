# Two images of the same files: the application (worker, beat, web and commands), which is what is built unless another target
# is named, and `demo`, which can also run the simulated GitHub.
# By hand: `docker build --network host -t synctrace .`
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/venv
COPY requirements-app.lock /tmp/requirements-app.lock
RUN /opt/venv/bin/pip install --require-hashes --no-deps --only-binary :all: -r /tmp/requirements-app.lock

FROM dependencies AS demo-dependencies
COPY requirements.lock /tmp/requirements.lock
RUN /opt/venv/bin/pip install --require-hashes --no-deps --only-binary :all: -r /tmp/requirements.lock

FROM ${PYTHON_IMAGE} AS base
# The collector's user is 10001: another one here, so that it reads our lines and cannot read our keys.
RUN groupadd --gid 10002 synctrace \
    && useradd --uid 10002 --gid synctrace --no-create-home --home-dir /var/lib/synctrace --shell /usr/sbin/nologin synctrace \
    && install --directory --owner synctrace --group synctrace /var/lib/synctrace
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=apps.config.settings \
    SYNCTRACE_HOME=/var/lib/synctrace
RUN python -m compileall -q apps deploy telemetry
EXPOSE 8000
CMD ["uvicorn", "apps.config.asgi:application", "--host", "0.0.0.0", "--no-access-log", "--no-proxy-headers"]

FROM base AS demo
COPY --from=demo-dependencies /opt/venv /opt/venv
USER 10002:10002

FROM base
COPY --from=dependencies /opt/venv /opt/venv
USER 10002:10002
