#!/usr/bin/env bash
# Deploys what ran before the current release. Migrations stay: they work with both.
set -euo pipefail

cd "$(dirname "$0")/.."
STATE_DIR=${STATE_DIR:-/var/lib/cabins}

API_DIGEST=$(sed -n 's/^API_DIGEST=//p' "$STATE_DIR/previous")
WEB_DIGEST=$(sed -n 's/^WEB_DIGEST=//p' "$STATE_DIR/previous")
export API_DIGEST WEB_DIGEST
exec ./ops/deploy.sh
