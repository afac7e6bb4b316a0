# The identity provider for trials: anyone with the client's secret may be anyone. NEVER for real people's data.
# docker build -f deploy/compose/identity.Dockerfile -t tandem/trial-identity .
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY deploy/requirements/identity.txt ./
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca_bundle,target=/run/secrets/ca_bundle \
    python3 -m venv /opt/build \
    && python3 -m venv --without-pip /opt/tandem \
    && /opt/build/bin/pip --python /opt/tandem/bin/python install --no-cache-dir --no-compile --no-deps \
       --require-hashes --only-binary :all: -r identity.txt
COPY deploy/local/tandem_local/__init__.py deploy/local/tandem_local/secret_files.py packages/tandem_local/
COPY deploy/local/tandem_local/identity packages/tandem_local/identity
RUN cp -r packages/tandem_local "$(/opt/tandem/bin/python -c 'import site; print(site.getsitepackages()[0])')/" \
    && /opt/tandem/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/tandem/lib

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="tandem-trial-identity" \
      org.opencontainers.image.description="An OpenID Connect provider for trials of Tandem; it asks for no password" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Tandem" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /opt/tandem /opt/tandem
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/tandem-identity
ENV PATH="/opt/tandem/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    TANDEM_IDENTITY_DIRECTORY=/var/lib/tandem-identity \
    TANDEM_HTTP_HOST=0.0.0.0 \
    TANDEM_HTTP_PORT=8100
WORKDIR /opt/tandem
USER 10001:10001
VOLUME ["/var/lib/tandem-identity"]
EXPOSE 8100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import http.client as h, os; c = h.HTTPConnection('127.0.0.1', int(os.environ['TANDEM_HTTP_PORT']), timeout=3); c.request('GET', '/health/ready'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "-m", "tandem_local.identity"]
