{{/* Names and labels. A service's context is (dict "root" $ "name" <service> "service" <its values over the defaults>). */}}

{{- define "tandem.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tandem.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: tandem
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: tandem
{{- end -}}

{{- define "tandem.service.fullname" -}}
{{ include "tandem.fullname" .root }}-{{ .name }}
{{- end -}}

{{- define "tandem.service.selector" -}}
app.kubernetes.io/name: tandem
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "tandem.service.labels" -}}
{{ include "tandem.labels" .root }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "tandem.service.image" -}}
{{- $image := .root.Values.image -}}
{{- if .service.image -}}
{{ .service.image }}
{{- else -}}
{{ with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}/{{ .name }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "tandem.service.package" -}}
{{ .service.package | default (printf "tandem_%s" .name) }}
{{- end -}}

{{- define "tandem.kafka.cluster" -}}
{{ include "tandem.fullname" . }}-kafka
{{- end -}}

{{- define "tandem.kafka.bootstrap" -}}
{{- if .Values.strimzi.enabled -}}
{{ include "tandem.kafka.cluster" . }}-kafka-bootstrap:9093
{{- else -}}
{{ .Values.kafka.bootstrapServers }}
{{- end -}}
{{- end -}}

{{- define "tandem.kafka.caSecret" -}}
{{- if .Values.strimzi.enabled -}}
{{ include "tandem.kafka.cluster" . }}-cluster-ca-cert
{{- else if hasSuffix "SSL" .Values.kafka.securityProtocol -}}
{{ .Values.kafka.caSecret.name }}
{{- end -}}
{{- end -}}

{{- define "tandem.postgresql.cluster" -}}
{{ .Values.cloudnativepg.clusterName | default (printf "%s-postgresql" (include "tandem.fullname" .)) }}
{{- end -}}

{{/* A cluster beside the first one has databases of its own: which cluster a database is in never changes. */}}
{{- define "tandem.postgresql.database" -}}
{{ .root.Values.cloudnativepg.clusterName | default (include "tandem.fullname" .root) }}-{{ .name }}
{{- end -}}

{{- define "tandem.postgresql.caSecret" -}}
{{- if hasPrefix "verify" .Values.database.sslMode -}}
{{- if .Values.cloudnativepg.enabled -}}
{{ include "tandem.postgresql.cluster" . }}-ca
{{- else -}}
{{ .Values.database.caSecret.name }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tandem.database.secret" -}}
{{ .root.Values.database.secretPrefix }}{{ .name }}{{ .root.Values.database.secretSuffix }}
{{- end -}}

{{- define "tandem.kafka.user" -}}
{{ .root.Values.kafka.usernamePrefix }}{{ .name }}
{{- end -}}

{{/* What a container is told, beside its ConfigMap: secrets by reference. */}}
{{- define "tandem.service.env" -}}
- name: TANDEM_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ include "tandem.database.secret" . }}, key: {{ .root.Values.database.urlKey }}}
{{- if .root.Values.database.pgbouncer }}
- name: TANDEM_DATABASE_DIRECT_URL
  valueFrom:
    secretKeyRef: {name: {{ include "tandem.database.secret" . }}, key: {{ .root.Values.database.directUrlKey }}}
{{- end }}
{{- if hasPrefix "SASL" .root.Values.kafka.securityProtocol }}
- name: TANDEM_KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ include "tandem.kafka.user" . }}, key: {{ .root.Values.kafka.passwordKey }}}
{{- end }}
{{- range $name, $from := .service.secretSettings }}
- name: TANDEM_{{ upper $name }}
  valueFrom:
    secretKeyRef: {name: {{ $from.secret }}, key: {{ $from.key }}}
{{- end }}
{{- range $name, $value := .service.env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{/* The plain settings of a service, one to a line. */}}
{{- define "tandem.service.settings" -}}
{{- $values := .root.Values -}}
{{- $settings := dict
  "http_host" "0.0.0.0"
  "http_port" 8000
  "metrics_port" 9000
  "oidc_issuer" $values.oidc.issuer
  "oidc_audience" $values.oidc.audience
  "oidc_jwks_url" $values.oidc.jwksUrl
  "database_pool_connections" .service.poolConnections
  "database_statement_timeout_seconds" .service.statementTimeoutSeconds
  "database_ssl_mode" $values.database.sslMode
  "database_pgbouncer" $values.database.pgbouncer
  "kafka_bootstrap_servers" (include "tandem.kafka.bootstrap" .root)
  "kafka_namespace" $values.kafka.namespace
  "kafka_security_protocol" $values.kafka.securityProtocol
  "kafka_topic_partitions" $values.kafka.topicPartitions
  "kafka_topic_replication" $values.kafka.topicReplication
  "kafka_topic_retention_days" $values.kafka.topicRetentionDays
  "shutdown_seconds" .service.shutdownSeconds
  "trace_sample_ratio" $values.traceSampleRatio
-}}
{{- if hasPrefix "SASL" $values.kafka.securityProtocol -}}
{{- $_ := set $settings "kafka_sasl_mechanism" $values.kafka.saslMechanism -}}
{{- $_ := set $settings "kafka_sasl_username" (include "tandem.kafka.user" .) -}}
{{- end -}}
{{- if include "tandem.kafka.caSecret" .root -}}
{{- $_ := set $settings "kafka_ssl_ca_file" "/etc/tandem/kafka/ca.crt" -}}
{{- end -}}
{{- if include "tandem.postgresql.caSecret" .root -}}
{{- $_ := set $settings "database_ssl_ca_file" "/etc/tandem/postgresql/ca.crt" -}}
{{- end -}}
{{- with $values.otlpEndpoint -}}
{{- $_ := set $settings "otlp_endpoint" . -}}
{{- end -}}
{{- /* One by one: `merge` takes false and 0 for nothing said. */ -}}
{{- range $name, $value := $values.settings }}{{ $_ := set $settings $name $value }}{{ end -}}
{{- range $name, $value := .service.settings }}{{ $_ := set $settings $name $value }}{{ end -}}
{{- range $name, $value := $settings }}
TANDEM_{{ upper $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "tandem.service.volumeMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if include "tandem.kafka.caSecret" .root }}
- {name: kafka-ca, mountPath: /etc/tandem/kafka, readOnly: true}
{{- end }}
{{- if include "tandem.postgresql.caSecret" .root }}
- {name: postgresql-ca, mountPath: /etc/tandem/postgresql, readOnly: true}
{{- end }}
{{- end -}}

{{- define "tandem.service.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- with include "tandem.kafka.caSecret" .root }}
- name: kafka-ca
  secret:
    secretName: {{ . }}
    items: [{key: {{ $values.kafka.caSecret.key }}, path: ca.crt}]
{{- end }}
{{- with include "tandem.postgresql.caSecret" .root }}
- name: postgresql-ca
  secret:
    secretName: {{ . }}
    items: [{key: {{ $values.database.caSecret.key }}, path: ca.crt}]
{{- end }}
{{- end -}}

{{- define "tandem.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tandem.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
