#!/bin/bash
# Starts Apache Kafka as its official image does: KAFKA_LOG_DIRS becomes log.dirs, and the storage is formatted once.
set -euo pipefail

properties=/opt/kafka/config/server.properties
: >"$properties"
while IFS='=' read -r name value; do
  case $name in
    KAFKA_HEAP_OPTS | KAFKA_JVM_PERFORMANCE_OPTS) ;;
    KAFKA_*)
      key=$(printf '%s' "${name#KAFKA_}" | tr '[:upper:]' '[:lower:]' | sed -e 's/___/-/g' -e 's/__/\x01/g' -e 's/_/./g' -e 's/\x01/_/g')
      printf '%s=%s\n' "$key" "$value" >>"$properties"
      ;;
  esac
done < <(env)

java=(java -XX:+UseSerialGC -Xshare:auto -cp '/opt/kafka/libs/*')
if [[ ! -e ${KAFKA_LOG_DIRS}/meta.properties ]]; then
  "${java[@]}" -Xmx64m kafka.tools.StorageTool format --cluster-id="$CLUSTER_ID" -c "$properties"
fi
# shellcheck disable=SC2086 # several options in one variable, as the official image has it
exec "${java[@]}" ${KAFKA_HEAP_OPTS:--Xmx512m} kafka.Kafka "$properties"
