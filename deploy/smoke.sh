#!/usr/bin/env bash
# Builds the images, starts Compose, drives a whole mentoring program through the containers, once in peace and once while
# each container is killed, and says what it did and what it did not do. Leaves nothing running.
#
#   deploy/smoke.sh                 needs an engine, Compose 2.20 or newer, and `make install`
#
# PYTHON_IMAGE, KAFKA_IMAGE, POSTGRES_IMAGE   base images of yours; without them the official ones, and where no registry
#                                             answers, stand-ins built here (deploy/compose/stand-ins)
# SMOKE_HOST_NETWORK=1    where the engine has no networks of its own
# SMOKE_BASE_PORT=8100    the first of 13 ports on 127.0.0.1
# SMOKE_PEOPLE=25         so many mentors and as many mentees
# SMOKE_BUILT=1           take the images that are here instead of building them, and do not pack them to learn their size
# SMOKE_KEEP=1            leave everything running at the end
# PIP_CONF, CA_BUNDLE     files for pip behind a company's proxy or index; they do not stay in the images
set -euo pipefail
cd "$(dirname "$0")/.."

export DOCKER_BUILDKIT=1
python=${PYTHON:-$PWD/.venv/bin/python}
base_port=${SMOKE_BASE_PORT:-8100}
people=${SMOKE_PEOPLE:-25}
project="tandem-smoke"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
services=(profiles matching scheduling feedback)
workplace=$(mktemp -d)
secrets=$workplace/secrets
done_lines=()
not_done_lines=()

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
did() { done_lines+=("$*"); say "  $*"; }
did_not() { not_done_lines+=("$*"); }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

closing() {
  local code=$?
  if [[ $code -ne 0 && -n ${compose:-} ]]; then
    say
    say "The last words of each container:"
    "${compose[@]}" ps --all || true
    "${compose[@]}" logs --no-color --tail 15 2>&1 | cut -c1-300 || true
  fi
  if [[ -n ${compose:-} && -z ${SMOKE_KEEP:-} ]]; then
    "${compose[@]}" down --volumes --timeout 20 >/dev/null 2>&1 || true
  fi
  if [[ -n ${SMOKE_KEEP:-} ]]; then say "Still running; secrets in $secrets"; else rm -rf "$workplace"; fi
  printf '\nDid:\n'
  printf -- '- %s\n' "${done_lines[@]:-nothing}"
  printf 'Did not:\n'
  printf -- '- %s\n' "${not_done_lines[@]:-nothing was left out}"
  if [[ $code -eq 0 ]]; then printf '\nPASSED in %s s\n' "$SECONDS"; else printf '\nFAILED after %s s\n' "$SECONDS"; fi
}
trap closing EXIT

step "The machine"
docker version --format 'engine {{.Server.Version}}, {{.Server.Os}}/{{.Server.Arch}}' || fail "no engine answers"
docker compose version || fail "the engine's client has no Compose (docker compose)"
say "storage $(docker info --format '{{.Driver}}'), $(docker info --format '{{.NCPU}}') cores, revision $revision"

files=(-f deploy/compose.yaml)
network=()
if [[ -n ${SMOKE_HOST_NETWORK:-} ]]; then
  files+=(-f deploy/compose/host-network.yaml)
  network=(--network host)
  did_not "networks of Compose: every container used the machine's network, on 127.0.0.1"
fi

step "Base images"
usable() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; }
official_python=docker.io/library/python:3.11-slim-bookworm
official_kafka=docker.io/apache/kafka:4.1.1
official_postgres=docker.io/library/postgres:18
export PYTHON_IMAGE=${PYTHON_IMAGE:-$official_python}
export KAFKA_IMAGE=${KAFKA_IMAGE:-$official_kafka}
export POSTGRES_IMAGE=${POSTGRES_IMAGE:-$official_postgres}
if ! usable "$PYTHON_IMAGE" || ! usable "$KAFKA_IMAGE" || ! usable "$POSTGRES_IMAGE"; then
  say "  $PYTHON_IMAGE, $KAFKA_IMAGE and $POSTGRES_IMAGE are not all to be had here: building stand-ins"
  read -r PYTHON_IMAGE KAFKA_IMAGE POSTGRES_IMAGE < <(PYTHON=$python deploy/compose/stand-ins/make.sh)
fi
case "$PYTHON_IMAGE $KAFKA_IMAGE $POSTGRES_IMAGE" in
  *tandem-stand-in*) did_not "the official images of Python, Apache Kafka and PostgreSQL: stand-ins took their place" ;;
esac
say "  $PYTHON_IMAGE, $KAFKA_IMAGE, $POSTGRES_IMAGE"

step "Building the images"
pip_secrets=()
[[ -n ${PIP_CONF:-} ]] && pip_secrets+=(--secret "id=pip_conf,src=$PIP_CONF")
[[ -n ${CA_BUNDLE:-} ]] && pip_secrets+=(--secret "id=ca_bundle,src=$CA_BUNDLE")
build() {
  docker build --progress plain "${network[@]}" "${pip_secrets[@]}" --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" --build-arg "VERSION=$version" \
    --build-arg "REVISION=$revision" "$@" . >"$workplace/build.log" 2>&1 || { tail -n 40 "$workplace/build.log" >&2; fail "the build of $*"; }
}
if [[ -z ${SMOKE_BUILT:-} ]]; then
  for service in "${services[@]}"; do
    build -f deploy/Dockerfile --build-arg "SERVICE=$service" -t "tandem/$service:$version"
  done
  build -f deploy/compose/identity.Dockerfile -t "tandem/trial-identity:$version"
  did "built tandem/{profiles,matching,scheduling,feedback,trial-identity}:$version"
else
  say "  none: those that are here are taken"
  did_not "the builds, and the sizes of the images as packed: an earlier run had built them"
fi

step "What is in them"
"$python" -m tests.images --version "$version" ${SMOKE_BUILT:+--unpacked-only} "${services[@]}"
did "looked into each image: its own service and the libraries only, user 10001, no build tools, labels, health check, size${SMOKE_BUILT:+ as unpacked}"

step "Secrets and settings"
export TANDEM_SECRETS=$secrets TANDEM_VERSION=$version COMPOSE_PROJECT_NAME=$project
export TANDEM_IDENTITY_PORT=$base_port TANDEM_PROFILES_PORT=$((base_port + 1)) TANDEM_MATCHING_PORT=$((base_port + 2))
export TANDEM_SCHEDULING_PORT=$((base_port + 3)) TANDEM_FEEDBACK_PORT=$((base_port + 4)) TANDEM_POSTGRES_PORT=$((base_port + 5))
export TANDEM_KAFKA_PORT=$((base_port + 6)) TANDEM_KAFKA_CONTROLLER_PORT=$((base_port + 12))
export TANDEM_OIDC_ISSUER=http://127.0.0.1:$base_port
if [[ -n ${SMOKE_HOST_NETWORK:-} ]]; then
  export TANDEM_OIDC_JWKS_URL=http://identity:$base_port/jwks
  deploy/compose/make-secrets.sh "$secrets" "postgres:$TANDEM_POSTGRES_PORT"
else
  deploy/compose/make-secrets.sh "$secrets"
fi
compose=(docker compose --project-name "$project" "${files[@]}")
"${compose[@]}" config --quiet
did "made fresh secrets and checked the configuration (docker compose config)"
refused() { # sentence, then options of docker run
  local sentence=$1 said code=0
  shift
  said=$(docker run --rm --network none --read-only --tmpfs /tmp "$@" "tandem/profiles:$version" 2>&1) || code=$?
  [[ $code -eq 78 && $said == *"$sentence"* ]] || fail "expected exit code 78 and '$sentence', got $code and: $said"
  say "  exit code 78: $sentence"
}
refused "TANDEM_DATABASE_URL: Field required"
refused "TANDEM_SECRETS_DIRECTORY: /run/secrets cannot be listed" -e TANDEM_SECRETS_DIRECTORY=/run/secrets
printf 'mysql://nobody/nothing\n' >"$workplace/wrong"
chmod 755 "$workplace" && chmod 644 "$workplace/wrong"
refused "TANDEM_DATABASE_URL: URL scheme should be" -e TANDEM_SECRETS_DIRECTORY=/secrets -v "$workplace/wrong:/secrets/tandem_database_url:ro"
chmod 700 "$workplace"
did "a missing secret, a missing directory of secrets and a wrong secret each stopped the start with name and reason"

step "docker compose up --wait"
"${compose[@]}" up --wait --wait-timeout 600 --no-build --detach >"$workplace/up.log" 2>&1 || { tail -n 30 "$workplace/up.log" >&2; fail "it did not start"; }
"${compose[@]}" ps --all --format 'table {{.Service}}\t{{.Status}}'
did "started everything with docker compose up --wait, migrations first"

step "The tandem command against it"
export TANDEM_CLIENT_SECRET_FILE=$secrets/identity_client_secret TANDEM_BASE_PORT=$base_port
tandem=$(dirname "$python")/tandem
"$tandem" status
[[ $(curl --silent --output /dev/null --write-out '%{http_code}' --header "Authorization: Bearer $("$tandem" token)" \
  "http://127.0.0.1:$TANDEM_PROFILES_PORT/programs") == 200 ]] || fail "a token of the command was refused"
did "tandem status and tandem token spoke to the containers as they do to a platform of their own"

step "The whole thread, in peace and under kills"
"$python" -m tests.smoke --project "$project" --base-port "$base_port" --people "$people" --secret-file "$TANDEM_CLIENT_SECRET_FILE"
did "carried $people mentors and $people mentees from sign-up sheets to feedback and health, twice"
did "killed each container (profiles, matching, scheduling, feedback, kafka, postgres, identity) in the second run: same result"
"$tandem" events tail --number 3
did "read events from Kafka with tandem events tail"

step "Graceful stop"
"${compose[@]}" stop --timeout 30 "${services[@]}" >/dev/null 2>&1
for service in "${services[@]}"; do
  code=$(docker inspect --format '{{.State.ExitCode}}' "$("${compose[@]}" ps --all --quiet "$service")")
  say "  $service ended with $code"
  [[ $code -eq 0 ]] || fail "$service did not stop by itself"
done
did "SIGTERM ended every service in order, with exit code 0"

did_not "the profiles observe (Prometheus, Grafana, OpenTelemetry collector), keycloak and mail: their images were not started"
did_not "an engine's own restarts: killed containers were started again by hand, as docker kill counts as a stop"
