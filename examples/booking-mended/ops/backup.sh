#!/usr/bin/env bash
# Dumps the database, checks the dump, copies it off the host and keeps two weeks.
set -euo pipefail

cd "$(dirname "$0")/.."
BACKUP_ROOT=${BACKUP_ROOT:-/srv/backups}
OFFSITE=s3:cabins-backups

exec 8>"$BACKUP_ROOT/.lock"
flock -n 8 || { echo "another backup is under way" >&2; exit 1; }

stamp=$(date -u +%Y%m%dT%H%M%SZ)
final="$BACKUP_ROOT/cabins_$stamp.dump"
partial="$final.partial"
trap 'rm -f "$partial"' EXIT

docker compose exec -T db pg_dump -U cabins --format=custom cabins > "$partial"
docker compose exec -T db pg_restore --list < "$partial" > /dev/null
mv "$partial" "$final"
(cd "$BACKUP_ROOT" && sha256sum "$(basename "$final")" > "$(basename "$final").sha256")

rclone copyto "$final" "$OFFSITE/$(basename "$final")"
rclone copyto "$final.sha256" "$OFFSITE/$(basename "$final").sha256"

find "$BACKUP_ROOT" -name 'cabins_*.dump*' -mtime +14 -delete
rclone delete --min-age 90d "$OFFSITE"
