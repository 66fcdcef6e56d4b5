#!/usr/bin/env bash
set -euo pipefail

BACKUP_ROOT=${BACKUP_ROOT:-/srv/backups}
latest=$(ls -t "$BACKUP_ROOT"/cabins_*.sql.gz | head -1)
first=$(gzip -cd "$latest" | head -5)

if [[ -n "$first" ]]; then
  echo "backup verified: $latest"
fi
exit 0
