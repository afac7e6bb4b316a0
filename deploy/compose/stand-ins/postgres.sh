#!/bin/bash
# Makes the cluster on an empty volume, runs the scripts, and then becomes the server, as the official image does.
set -euo pipefail

if [[ ! -e $PGDATA/PG_VERSION ]]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  # shellcheck disable=SC2086 # several options in one variable, as the official image has it
  initdb --username="${POSTGRES_USER:-postgres}" --pwfile=<(cat "$POSTGRES_PASSWORD_FILE") --auth-local=trust ${POSTGRES_INITDB_ARGS:-} -D "$PGDATA"
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n" >>"$PGDATA/postgresql.conf"
  # While the scripts run, it listens on its socket only: nobody takes it for ready.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  export PGHOST=/var/run/postgresql
  for script in /docker-entrypoint-initdb.d/*.sh; do
    if ! bash "$script"; then
      pg_ctl -D "$PGDATA" -m immediate stop
      rm -rf "${PGDATA:?}"/*
      exit 1
    fi
  done
  unset PGHOST
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@" -D "$PGDATA"
