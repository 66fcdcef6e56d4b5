#!/usr/bin/env bash
# Restores a dump into a scratch database and asks it something that must be there.
set -euo pipefail

cd "$(dirname "$0")/.."
: "${BACKUP_FILE:?the dump to verify}"

(cd "$(dirname "$BACKUP_FILE")" && sha256sum --check --quiet "$(basename "$BACKUP_FILE").sha256")
trap 'docker compose exec -T db dropdb -U cabins --if-exists --force cabins_verify' EXIT
docker compose exec -T db createdb -U cabins cabins_verify
docker compose exec -T db pg_restore -U cabins --dbname=cabins_verify --exit-on-error --single-transaction < "$BACKUP_FILE"
rows=$(docker compose exec -T db psql -U cabins -v ON_ERROR_STOP=1 -At -d cabins_verify -c 'SELECT count(*) FROM cabins')
if [[ "$rows" -lt 1 ]]; then
  echo "the dump holds no cabin" >&2
  exit 1
fi
