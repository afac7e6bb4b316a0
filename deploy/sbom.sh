#!/usr/bin/env bash
# Writes what is in each service's image as CycloneDX: deploy/sbom.sh DIRECTORY [SERVICE ...]
#
# Installs the service as its Dockerfile does, from the same locked files, into an environment of its own, and describes
# that: every package with version, licence and what needs it. The base image is described by whoever publishes it.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
directory=${1:?Say the directory to write to.}
shift
services=("$@")
[[ ${#services[@]} -gt 0 ]] || services=(profiles matching scheduling feedback)

mkdir -p "$directory"
workplace=$(mktemp -d)
trap 'rm -rf "$workplace"' EXIT
for service in "${services[@]}"; do
  environment=$workplace/$service
  "$bin/uv" venv --quiet --python "$bin/python" "$environment"
  "$bin/uv" pip install --quiet --python "$environment/bin/python" --no-deps --require-hashes \
    -r "deploy/requirements/$service.txt"
  for package in libs/events libs/chassis "services/$service"; do
    "$bin/uv" build --quiet --wheel --no-build-isolation --python "$bin/python" --out-dir "$environment/wheels" "$package"
  done
  "$bin/uv" pip install --quiet --python "$environment/bin/python" --no-deps --no-index \
    --find-links "$environment/wheels" tandem-events tandem-chassis "tandem-$service"
  "$bin/cyclonedx-py" environment --output-reproducible --validate --spec-version 1.6 --output-format JSON \
    --pyproject "services/$service/pyproject.toml" --mc-type application \
    -o "$directory/tandem-$service.cdx.json" "$environment/bin/python"
  echo "$directory/tandem-$service.cdx.json"
done
