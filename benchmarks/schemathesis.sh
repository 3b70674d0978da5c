#!/bin/sh
# schemathesis over the OpenAPI of a payer that it starts: benchmarks/schemathesis.sh [examples] [seed].
# Some 142 operations; 150 examples of each are more than 20,000 requests (about a quarter of an hour). The
# last lines say how many requests there were, and the verdict. Needs the tool, which is no
# dependency of ours (pip install schemathesis): SCHEMATHESIS names it, BIN the environment of the payer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BIN=${BIN:-$here/../.venv/bin}
PORT=${PORT:-18089}
"$BIN/payer-sandbox" serve --port "$PORT" --workers 1 >/dev/null 2>"${TMPDIR:-/tmp}/schemathesis.server" &
server=$!
trap 'kill $server' EXIT
until "$BIN/python" -c "import httpx; httpx.get('http://127.0.0.1:$PORT/_sandbox/health')" 2>/dev/null; do sleep 1; done
TOKEN=$("$BIN/payer-sandbox" token --member maria --url "http://127.0.0.1:$PORT")
BASE=http://127.0.0.1:$PORT/fhir
export TOKEN BASE
cd "$here"
SCHEMATHESIS_HOOKS=strangers "${SCHEMATHESIS:-schemathesis}" run \
    "http://127.0.0.1:$PORT/developer/openapi.json" \
    --header "Authorization: Bearer $TOKEN" \
    --checks not_a_server_error,every_failure_is_an_outcome \
    --phases examples,fuzzing --mode all --max-examples "${1:-150}" --seed "${2:-5}" \
    --continue-on-failure --no-shrink --suppress-health-check all --warnings off --request-timeout 60 \
    --workers "${WORKERS:-2}"
