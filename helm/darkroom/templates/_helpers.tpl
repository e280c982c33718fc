{{- define "darkroom.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "darkroom.labels" -}}
{{ include "darkroom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "darkroom.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "darkroom.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* The pods that answer HTTP calls. */ -}}
{{- define "darkroom.servingRole" -}}
{{- ternary "api" "all" (eq .Values.mode "cluster") -}}
{{- end -}}

{{- /* The Secret of API keys: the values' own, or the chart's where nothing else says who may call. Without any, pods would serve themselves only and never be ready. */ -}}
{{- define "darkroom.keys" -}}
{{- if .Values.auth.apiKeys.existingSecret -}}
{{- .Values.auth.apiKeys.existingSecret -}}
{{- else if not (or .Values.auth.anonymous .Values.auth.jwt.issuer) -}}
{{- include "darkroom.fullname" . }}-keys
{{- end -}}
{{- end -}}

{{- /* The image of a flavour, for (dict "root" $ "flavour" "cpu"). */ -}}
{{- define "darkroom.image" -}}
{{- $image := .root.Values.image -}}
{{- $own := get $image .flavour -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- if $own.digest -}}
{{- printf "%s@%s" $name $own.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (printf "%s-%s" (default .root.Chart.AppVersion $image.tag) .flavour) $own.tag) -}}
{{- end -}}
{{- end -}}

{{- /* What values must not say together; what one value must not say is in values.schema.json. */ -}}
{{- define "darkroom.check" -}}
{{- $v := .Values -}}
{{- if eq $v.mode "cluster" -}}
{{- if not $v.database.url -}}
{{- fail "mode cluster needs PostgreSQL: set database.url to jdbc:postgresql://…" -}}
{{- end -}}
{{- if not $v.images.location -}}
{{- fail "mode cluster needs a store of pictures that all pods reach: set images.location to s3://bucket" -}}
{{- end -}}
{{- else -}}
{{- if gt (int $v.all.replicas) 1 -}}
{{- if not $v.database.url -}}
{{- fail (printf "all.replicas is %d, but an embedded database (H2) belongs to one pod: set database.url to jdbc:postgresql://… or all.replicas to 1" (int $v.all.replicas)) -}}
{{- end -}}
{{- if not $v.images.location -}}
{{- fail (printf "all.replicas is %d, but each pod would keep its pictures to itself: set images.location to s3://bucket" (int $v.all.replicas)) -}}
{{- end -}}
{{- end -}}
{{- if $v.api.autoscaling.enabled -}}
{{- fail "api.autoscaling is for mode cluster; an embedded database belongs to one pod" -}}
{{- end -}}
{{- if $v.worker.keda.enabled -}}
{{- fail "worker.keda is for mode cluster; an embedded database belongs to one pod" -}}
{{- end -}}
{{- end -}}
{{- if and $v.database.url (not $v.database.existingSecret) (not $v.database.password) -}}
{{- fail "database.url is set without credentials: set database.existingSecret, or database.username and database.password" -}}
{{- end -}}
{{- if and $v.models.volume $v.models.storage.enabled -}}
{{- fail "models.volume and models.storage are two places for the same: set one of them" -}}
{{- end -}}
{{- if and (eq $v.mode "embedded") (gt (int $v.all.replicas) 1) $v.all.storage.existingClaim -}}
{{- fail "all.storage.existingClaim is for a single pod" -}}
{{- end -}}
{{- if and $v.models.hub $v.models.readOnly -}}
{{- fail "models.hub cannot be fetched into a volume with models.readOnly" -}}
{{- end -}}
{{- if and $v.api.autoscaling.enabled (gt (int $v.api.autoscaling.minReplicas) (int $v.api.autoscaling.maxReplicas)) -}}
{{- fail "api.autoscaling.minReplicas is greater than maxReplicas" -}}
{{- end -}}
{{- if and $v.worker.keda.enabled (gt (int $v.worker.keda.minReplicas) (int $v.worker.keda.maxReplicas)) -}}
{{- fail "worker.keda.minReplicas is greater than maxReplicas" -}}
{{- end -}}
{{- end -}}
