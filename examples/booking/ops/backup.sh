#!/usr/bin/env bash
set -euo pipefail

BACKUP_ROOT=${BACKUP_ROOT:-/srv/backups}
stamp=$(date -u +%Y%m%dT%H%M%SZ)

docker compose exec -T db sh -c 'pg_dump -U "$POSTGRES_USER" "$POSTGRES_DB"' | gzip > "$BACKUP_ROOT/cabins_$stamp.sql.gz"
docker run --rm -v cabins_pg_wal:/wal:ro -v "$BACKUP_ROOT":/out alpine:3.20 tar -czf "/out/wal_$stamp.tar.gz" /wal
echo "backup complete"
