#!/usr/bin/env bash
# Writes a directory of fresh secrets for compose.yaml: deploy/compose/make-secrets.sh DIRECTORY [HOST:PORT of PostgreSQL]
# Files that are there already are left as they are.
set -euo pipefail

directory=${1:?Say the directory that the secrets shall be written to.}
place=${2:-postgres:5432}

# Containers run as users of their own and must be able to read their files: so the files are readable, and nobody but
# their owner gets into the directory.
mkdir -p "$directory"
chmod 700 "$directory"
umask 022

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }
password() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
write() { [[ -e "$directory/$1" ]] || printf '%s\n' "$2" >"$directory/$1"; }

write postgres_password "$(password)"
for service in profiles matching scheduling feedback; do
  write "${service}_database_url" "postgresql://tandem_$service:$(password)@$place/tandem_$service"
done
write profiles_private_section_keys "first:$(random 32)"
write identity_client_secret "$(password)"
write grafana_password "$(password)"
