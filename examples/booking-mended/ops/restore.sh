#!/usr/bin/env bash
# Restores a dump into a new database and swaps it with the one that is there, which is kept.
set -euo pipefail

cd "$(dirname "$0")/.."
: "${BACKUP_FILE:?the dump to restore}"

./ops/verify_backup.sh

docker compose exec -T db createdb -U cabins cabins_new
docker compose exec -T db pg_restore -U cabins --dbname=cabins_new --exit-on-error --single-transaction < "$BACKUP_FILE"

docker compose exec -T db psql -U cabins -v ON_ERROR_STOP=1 -d postgres <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cabins' AND pid <> pg_backend_pid();
ALTER DATABASE cabins RENAME TO cabins_before_restore;
ALTER DATABASE cabins_new RENAME TO cabins;
SQL
