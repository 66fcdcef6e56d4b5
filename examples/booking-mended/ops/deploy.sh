#!/usr/bin/env bash
# Deploys API_DIGEST and WEB_DIGEST beside what runs, and switches to them once they are ready.
set -euo pipefail

cd "$(dirname "$0")/.."
: "${API_DIGEST:?the digest of the API that the pipeline printed}"
: "${WEB_DIGEST:?the digest of the web server that the pipeline printed}"
: "${SITE_URL:?the site to ask at the end}"
STATE_DIR=${STATE_DIR:-/var/lib/cabins}

exec 9>"$STATE_DIR/deploy.lock"
flock -n 9 || { echo "another deployment is under way" >&2; exit 1; }

color_of() {
  sed -n 's/^reverse_proxy api-\([a-z]*\):.*/\1/p' "$STATE_DIR/api.caddy"
}

switch_to() {
  printf 'reverse_proxy api-%s:8000 {\n\tlb_try_duration 5s\n}\n' "$1" > "$STATE_DIR/api.caddy"
  printf 'reverse_proxy web-%s:3000 {\n\tlb_try_duration 5s\n}\n' "$1" > "$STATE_DIR/web.caddy"
  docker compose exec -T proxy caddy reload --config /etc/caddy/Caddyfile
}

now=$(color_of)
next=green
if [[ "$now" == green ]]; then next=blue; fi

for image in "registry.example/cabins/api@$API_DIGEST" "registry.example/cabins/web@$WEB_DIGEST"; do
  cosign verify \
    --certificate-identity "https://forge.example/cabins/site/.github/workflows/ci.yml@refs/heads/main" \
    --certificate-oidc-issuer "https://token.actions.githubusercontent.com" \
    "$image" > /dev/null
done

./ops/backup.sh
docker compose --profile "$next" pull "api-$next" "worker-$next" "web-$next"
docker compose --profile "$next" run --rm --no-deps "api-$next" alembic upgrade head
docker compose --profile "$next" up --detach --no-build --wait "api-$next" "worker-$next" "web-$next"

switch_to "$next"
if ! ./ops/smoke.sh "$SITE_URL"; then
  switch_to "$now"
  echo "the new release does not answer: $now serves again" >&2
  exit 1
fi

if [[ -f "$STATE_DIR/current" ]]; then
  cp "$STATE_DIR/current" "$STATE_DIR/previous"
fi
printf 'API_DIGEST=%s\nWEB_DIGEST=%s\n' "$API_DIGEST" "$WEB_DIGEST" > "$STATE_DIR/current"
docker compose --profile "$now" stop "api-$now" "worker-$now" "web-$now"
