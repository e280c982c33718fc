#!/usr/bin/env bash
# Schemathesis against the running service with a stub in place of networks: over docs/openapi.json as it is served, 200
# examples an operation, every check but use_after_free: DELETE cancels a job, which can still be asked for. Needs python3 with
# venv; PYTHON_ENV is a folder for what it installs.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${PYTHON_ENV:-/tmp/darkroom-schemathesis}
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet -r src/test/clients/schemathesis/requirements.txt

./mvnw --quiet ${MAVEN_ARGS:-} test-compile
class_path=$(mktemp)
./mvnw --quiet ${MAVEN_ARGS:-} dependency:build-classpath -Dmdep.includeScope=test -Dmdep.outputFile="$class_path"
data=$(mktemp -d)
port=${PORT:-18080}
class_path=target/test-classes:target/classes:$(cat "$class_path")
# With a key, as the document says.
made=$(java -cp "$class_path" dev.darkroom.Darkroom keys create schemathesis --setting)
KEY=$(grep '^dk_' <<<"$made")
export KEY
DARKROOM_API_KEYS=$(grep '^id=' <<<"$made") \
  java -cp "$class_path" dev.darkroom.StubServer --server.port="$port" --management.server.port=$((port + 1)) \
  --darkroom.data-dir="$data" --darkroom.max-queued=100000 --stub.step-time=0ms >"$data/server.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
export DARKROOM=http://localhost:$port
until curl -sf "http://localhost:$((port + 1))/actuator/health/readiness" >/dev/null; do
  kill -0 $server || { cat "$data/server.log"; exit 1; }
  sleep 1
done
hooks=$PWD/src/test/clients/schemathesis/hooks.py
cd "$data" # it leaves a folder behind
SCHEMATHESIS_HOOKS=$hooks \
  PYTHONDONTWRITEBYTECODE=1 "$environment/bin/schemathesis" run "$DARKROOM/v3/api-docs" --header "Authorization: Bearer $KEY" \
  --checks all --exclude-checks use_after_free --max-examples "${EXAMPLES:-200}" --seed "${SEED:-1}" --workers 2 --request-timeout 70 --no-color "$@"
if grep -q "Unexpected error" "$data/server.log"; then
  grep "Unexpected error" "$data/server.log" | head
  exit 1
fi
