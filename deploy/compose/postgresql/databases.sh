#!/bin/bash
# Makes a database and a role for each service, when PostgreSQL starts on an empty volume. No service can read another's.
#
# Name and password are taken from the very file that tells the service where its database is: they cannot differ.
set -euo pipefail

for service in profiles matching scheduling feedback; do
  file=/run/secrets/${service}_database_url
  pattern='^postgres(ql)?://([a-z_][a-z0-9_]*):([A-Za-z0-9_.~-]+)@[^/]+/([a-z_][a-z0-9_]*)(\?.*)?$'
  url=$(tr -d '[:space:]' <"$file")
  if [[ ! $url =~ $pattern ]]; then
    echo "$file: not of the form postgresql://role:password@host:port/database, with a password of A-Z a-z 0-9 _ . ~ -" >&2
    exit 1
  fi
  psql --set=ON_ERROR_STOP=1 --quiet --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
    --set=role="${BASH_REMATCH[2]}" --set=password="${BASH_REMATCH[3]}" --set=database="${BASH_REMATCH[4]}" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"role";
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
SQL
done
