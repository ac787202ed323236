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
# Why a service is not ready stands in its pods' status.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Only metadata is asked for: whether a pull secret that a service names is there.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end -}}
