{{/* The name of everything that the chart installs: the release's. */}}
{{- define "scoring-operator.name" -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "scoring-operator.serviceAccount" -}}
{{- default (include "scoring-operator.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "scoring-operator.selector" -}}
app.kubernetes.io/name: scoring-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "scoring-operator.labels" -}}
{{ include "scoring-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* A toleration in the notation of kubectl taint. */}}
{{- define "scoring-operator.taint" -}}
{{- .key -}}
{{- if ne (default "Equal" .operator) "Exists" }}={{ .value }}{{ end -}}
{{- with .effect }}:{{ . }}{{ end -}}
{{- end -}}

{{/* What the operator may do in each namespace that it serves, and for which call. */}}
{{- define "scoring-operator.rules" -}}
- apiGroups: [scoring.dev]
  resources: [scoringservices]
  verbs: [get, list, watch]
- apiGroups: [scoring.dev]
  resources: [scoringservices/status]
  verbs: [patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: [get, list, watch, create, patch, delete]
# Kinds that a cluster may lack, or get later.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [cert-manager.io]
  resources: [certificates]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [traefik.io]
  resources: [middlewares]
  verbs: [get, list, watch, create, patch, delete]
# A ready service that fails, and its recovery, are told as Events.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
# Why a service is not ready stands in its pods' status.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Only metadata is asked for: whether a Secret that a service names is there.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end -}}
