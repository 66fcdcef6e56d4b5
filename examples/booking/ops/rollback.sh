#!/usr/bin/env bash
set -euo pipefail

cd "$(dirname "$0")/.."

STATE=state/deploy.json
target=$(sed -n 's/.*"release": "\([0-9a-f]*\)".*/\1/p' "$STATE")

git reset --hard "$target"
git clean -fdx
docker compose run --rm api alembic downgrade -1
docker compose build api web
docker compose up -d
