{{- define "sglang-router.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sglang-router.fullname" -}}
{{- $name := include "sglang-router.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sglang-router.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sglang-router.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sglang-router.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "sglang-router.selectorLabels" . }}
{{- end }}

{{- define "sglang-router.serviceAccountName" -}}
{{- $own := ternary (include "sglang-router.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $own .Values.serviceAccount.name }}
{{- end }}

{{- define "sglang-router.workerNamespace" -}}
{{- default .Release.Namespace .Values.workers.namespace }}
{{- end }}

{{- /* "true" where the routers look for each other, else empty. */}}
{{- define "sglang-router.findsPeers" -}}
{{- if and .Values.peers.enabled .Values.workers.discovery (ge (int .Values.replicaCount) 2) (not .Values.tls.existingSecret) }}true{{ end }}
{{- end }}

{{- /* The words of the router's command line, as a YAML list. The key is not among them. */}}
{{- define "sglang-router.args" -}}
{{- $words := list "--host" .Values.host "--port" .Values.port }}
{{- $words = concat $words (list "--prometheus-host" .Values.host "--prometheus-port" .Values.metricsPort) }}
{{- $words = concat $words (list "--shutdown-grace-period-secs" .Values.shutdownGracePeriodSeconds) }}
{{- with .Values.policy }}{{ $words = concat $words (list "--policy" .) }}{{ end }}
{{- with .Values.workers }}
{{- if .discovery }}
{{- $words = concat $words (list "--service-discovery" "--service-discovery-port" .port) }}
{{- if not .allNamespaces }}
{{- $words = concat $words (list "--service-discovery-namespace" (include "sglang-router.workerNamespace" $)) }}
{{- end }}
{{- with $.Values.prefillDecode }}
{{- if .enabled }}
{{- $words = concat $words (list "--pd-disaggregation" "--prefill-selector") .prefillSelector }}
{{- $words = concat $words (list "--decode-selector") .decodeSelector }}
{{- $words = concat $words (list "--bootstrap-port-annotation" .bootstrapPortAnnotation) }}
{{- else }}
{{- $words = concat $words (list "--selector") $.Values.workers.selector }}
{{- end }}
{{- end }}
{{- end }}
{{- if include "sglang-router.findsPeers" $ }}
{{- $words = concat $words (list "--peer-namespace" $.Release.Namespace "--peer-selector") }}
{{- range include "sglang-router.selectorLabels" $ | splitList "\n" }}{{ $words = append $words (replace ": " "=" .) }}{{ end }}
{{- end }}
{{- with .dns }}{{ $words = concat $words (list "--worker-dns") . }}{{ end }}
{{- with .urls }}{{ $words = concat $words (list "--worker-urls") . }}{{ end }}
{{- end }}
{{- if .Values.tls.existingSecret }}
{{- $words = concat $words (list "--tls-cert-path" "/etc/sglang-router/tls/tls.crt" "--tls-key-path" "/etc/sglang-router/tls/tls.key") }}
{{- end }}
{{- range .Values.extraArgs }}{{ $words = append $words (tpl . $) }}{{ end }}
{{- range $words }}
- {{ . | toString | quote }}
{{- end }}
{{- end }}
