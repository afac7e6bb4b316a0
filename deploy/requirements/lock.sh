#!/usr/bin/env bash
# Writes what each image installs, hash-locked: the versions of requirements.txt, as far as the service needs them.
set -euo pipefail
cd "$(dirname "$0")/../.."
uv=${UV:-.venv/bin/uv}

compile() { # name, then what it is compiled from
  local name=$1
  shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
    --constraint requirements.txt --no-emit-package tandem-events --no-emit-package tandem-chassis \
    -o "deploy/requirements/$name.txt" "$@"
}

for service in profiles matching scheduling feedback; do
  compile "$service" "services/$service/pyproject.toml"
done
printf 'hatchling\nsetuptools\n' | compile build -
printf 'fastapi\njoserfc\nuvicorn\n' | compile identity -
