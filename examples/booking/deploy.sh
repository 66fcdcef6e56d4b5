#!/usr/bin/env bash
set -euo pipefail

cd /srv/cabins
git pull

docker compose up -d --build
docker compose exec -T api alembic upgrade head

for _ in {1..30}; do
  if curl -fsS https://cabins.example/healthz >/dev/null; then
    echo "deployed"
    exit 0
  fi
  sleep 2
done
echo "the site is not healthy" >&2
exit 1
