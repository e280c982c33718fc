{{- /* The pod of a role, for (dict "root" $ "role" "worker"). Everything about pods is here; workloads only say how many. */ -}}
{{- define "darkroom.pod" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $role := .role -}}
{{- $part := get $v $role -}}
{{- $gpu := and (ne $role "api") $part.gpu.enabled -}}
{{- $image := include "darkroom.image" (dict "root" $root "flavour" (ternary "cuda" "cpu" $gpu)) -}}
metadata:
  labels:
    {{- include "darkroom.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
    {{- with $part.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/settings: {{ include (print $root.Template.BasePath "/configmap.yaml") $root | sha256sum }}
    {{- with $part.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "darkroom.serviceAccountName" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $v.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $part.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if and $gpu $part.gpu.runtimeClassName }}
  runtimeClassName: {{ $part.gpu.runtimeClassName }}
  {{- end }}
  # The time in which the pod still serves, the drain's budget, and what the process takes at most after it.
  terminationGracePeriodSeconds: {{ add $v.preStopSeconds $v.drainSeconds 30 }}
  securityContext:
    {{- include "darkroom.podSecurity" $root | nindent 4 }}
  {{- if and (ne $role "api") $v.models.hub }}
  initContainers:
    {{- range $i, $model := $v.models.hub }}
    - name: fetch-{{ $i }}
      image: {{ $image }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      command:
        - java
        - "@/app/java.options"
        - -jar
        - /app/darkroom.jar
        - download
        - {{ $model | quote }}
        - --models-dir
        - /models
      {{- if or $v.models.hubEndpoint $v.models.hubToken.existingSecret }}
      env:
        {{- with $v.models.hubEndpoint }}
        - name: HF_ENDPOINT
          value: {{ . | quote }}
        {{- end }}
        {{- with $v.models.hubToken.existingSecret }}
        - name: HF_TOKEN
          valueFrom:
            secretKeyRef:
              name: {{ . }}
              key: {{ $v.models.hubToken.key }}
        {{- end }}
      {{- end }}
      resources:
        requests: {cpu: 100m, memory: 512Mi}
        limits: {memory: 1Gi}
      securityContext:
        {{- include "darkroom.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        - name: models
          mountPath: /models
        - name: tmp
          mountPath: /tmp
    {{- end }}
  {{- end }}
  containers:
    - name: darkroom
      image: {{ $image }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      env:
        - name: DARKROOM_ROLE
          value: {{ $role }}
        - name: SPRING_CONFIG_ADDITIONAL_LOCATION
          value: file:/config/
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- if ne $role "api" }}
        - name: DARKROOM_DEVICES
          value: {{ include "darkroom.devices" (dict "gpu" $part.gpu) }}
        {{- end }}
        {{- if $v.database.url }}
        - name: SPRING_DATASOURCE_USERNAME
          valueFrom:
            secretKeyRef:
              name: {{ default (printf "%s-database" (include "darkroom.fullname" $root)) $v.database.existingSecret }}
              key: {{ ternary $v.database.usernameKey "username" (ne $v.database.existingSecret "") }}
        - name: SPRING_DATASOURCE_PASSWORD
          valueFrom:
            secretKeyRef:
              name: {{ default (printf "%s-database" (include "darkroom.fullname" $root)) $v.database.existingSecret }}
              key: {{ ternary $v.database.passwordKey "password" (ne $v.database.existingSecret "") }}
        {{- end }}
        {{- with $v.images.s3.existingSecret }}
        - name: AWS_ACCESS_KEY_ID
          valueFrom:
            secretKeyRef:
              name: {{ . }}
              key: {{ $v.images.s3.accessKeyKey }}
        - name: AWS_SECRET_ACCESS_KEY
          valueFrom:
            secretKeyRef:
              name: {{ . }}
              key: {{ $v.images.s3.secretKeyKey }}
        {{- end }}
        {{- if ne $role "worker" }}
        {{- with include "darkroom.keys" $root }}
        - name: DARKROOM_API_KEYS
          valueFrom:
            secretKeyRef:
              name: {{ . }}
              key: {{ ternary $v.auth.apiKeys.key "api-keys" (ne $v.auth.apiKeys.existingSecret "") }}
        {{- end }}
        {{- end }}
        {{- with $part.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $part.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- if ne $role "worker" }}
        - name: http
          containerPort: 8080
        {{- end }}
        - name: management
          containerPort: 8081
      # A worker has started when its model is loaded and warm. The API has when it answers; it is ready when a worker is.
      startupProbe:
        httpGet:
          path: /actuator/health/{{ ternary "liveness" "readiness" (eq $role "api") }}
          port: management
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: {{ div (add $v.startupSeconds 4) 5 }}
      livenessProbe:
        httpGet:
          path: /actuator/health/liveness
          port: management
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /actuator/health/readiness
          port: management
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 3
      {{- if $v.preStopSeconds }}
      lifecycle:
        preStop:
          exec:
            command: [sleep, {{ $v.preStopSeconds | toString | quote }}]
      {{- end }}
      resources:
        {{- if $gpu }}
        {{- $devices := dict $part.gpu.resource (int $part.gpu.count) }}
        {{- toYaml (mergeOverwrite (deepCopy $part.resources) (dict "limits" $devices "requests" $devices)) | nindent 8 }}
        {{- else }}
        {{- toYaml $part.resources | nindent 8 }}
        {{- end }}
      securityContext:
        {{- include "darkroom.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        {{- if ne $role "api" }}
        - name: models
          mountPath: /models
          {{- if $v.models.readOnly }}
          readOnly: true
          {{- end }}
        {{- end }}
        - name: tmp
          mountPath: /tmp
        - name: settings
          mountPath: /config
          readOnly: true
        {{- with $part.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- if ne $role "all" }}
    - name: data
      emptyDir: {}
    {{- else if $part.storage.existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ $part.storage.existingClaim }}
    {{- end }}
    {{- if ne $role "api" }}
    - name: models
      {{- if $v.models.storage.enabled }}
      persistentVolumeClaim:
        claimName: {{ default (printf "%s-models" (include "darkroom.fullname" $root)) $v.models.storage.existingClaim }}
      {{- else }}
      {{- toYaml (default (dict "emptyDir" dict) $v.models.volume) | nindent 6 }}
      {{- end }}
    {{- end }}
    - name: tmp
      emptyDir: {}
    - name: settings
      configMap:
        name: {{ include "darkroom.fullname" $root }}
    {{- with $part.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $part.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat $part.tolerations (ternary (list) (default (list) (dig "gpu" "tolerations" (list) $part)) (not $gpu)) }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  affinity:
    {{- if $part.affinity }}
    {{- toYaml $part.affinity | nindent 4 }}
    {{- else }}
    # Rather on different nodes.
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "darkroom.selector" $root | nindent 16 }}
                app.kubernetes.io/component: {{ $role }}
    {{- end }}
  {{- with $part.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "darkroom.podSecurity" -}}
{{- $context := dict
    "runAsNonRoot" true
    "runAsUser" 10001
    "runAsGroup" 10001
    "fsGroup" 10001
    "fsGroupChangePolicy" "OnRootMismatch"
    "seccompProfile" (dict "type" "RuntimeDefault")
-}}
{{- include "darkroom.laidOver" (dict "context" $context "over" .Values.podSecurityContext) -}}
{{- end -}}

{{- define "darkroom.containerSecurity" -}}
{{- $context := dict
    "allowPrivilegeEscalation" false
    "readOnlyRootFilesystem" true
    "capabilities" (dict "drop" (list "ALL"))
-}}
{{- include "darkroom.laidOver" (dict "context" $context "over" .Values.securityContext) -}}
{{- end -}}

{{- /* Fields of one security context replaced by those of another; null takes one away. */ -}}
{{- define "darkroom.laidOver" -}}
{{- $context := .context -}}
{{- range $field, $value := .over -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $context $field -}}
{{- else -}}
{{- $_ := set $context $field $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{- /* cpu, or cuda:0,cuda:1,… */ -}}
{{- define "darkroom.devices" -}}
{{- if .gpu.enabled -}}
{{- $devices := list -}}
{{- range until (int .gpu.count) -}}
{{- $devices = append $devices (printf "cuda:%d" .) -}}
{{- end -}}
{{- join "," $devices -}}
{{- else -}}
cpu
{{- end -}}
{{- end -}}
