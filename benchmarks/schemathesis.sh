#!/bin/sh
# schemathesis over the OpenAPI of a payer that it starts: benchmarks/schemathesis.sh [examples] [seed].
# Some 145 operations; 140 examples of each are more than 20,000 requests. Needs the tool, which is no
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
    --phases examples,fuzzing --mode all --max-examples "${1:-140}" --seed "${2:-5}" \
    --continue-on-failure --workers "${WORKERS:-2}"
