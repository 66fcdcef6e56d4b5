#!/usr/bin/env bash
set -euo pipefail

cd "$(dirname "$0")/.."
: "${BACKUP_FILE:?name the dump}"

docker compose exec -T db psql -U cabins -d postgres -c 'DROP DATABASE IF EXISTS cabins;'
docker compose exec -T db psql -U cabins -d postgres -c 'CREATE DATABASE cabins;'
gzip -cd "$BACKUP_FILE" | docker compose exec -T db psql -U cabins -d cabins

gzip -cd "$BACKUP_FILE" | docker compose exec -T db psql -U cabins -d cabins <<'SQL'
SELECT count(*) FROM bookings;
SQL
