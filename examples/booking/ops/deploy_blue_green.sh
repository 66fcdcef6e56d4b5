#!/usr/bin/env bash
set -euo pipefail

cd "$(dirname "$0")/.."

COMPOSE=(docker compose -f docker-compose.yml -f docker-compose.blue-green.yml)
STATE=state/deploy.json
STEPS=0

step() {
  ((STEPS++))
  echo "[$STEPS] $*"
}

active() {
  grep -q api-blue config/upstream.caddy && echo blue || echo green
}

next() {
  CURRENT=$(active)
  if [[ "$CURRENT" == blue ]]; then echo green; else echo blue; fi
}

switch_to() {
  echo "reverse_proxy api-$1:8000" > config/upstream.caddy
  if ! "${COMPOSE[@]}" exec -T proxy caddy reload --config /etc/caddy/Caddyfile; then
    "${COMPOSE[@]}" restart proxy
  fi
}

wait_healthy() {
  for _ in {1..30}; do
    if "${COMPOSE[@]}" exec -T "api-$1" python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz')"; then
      return 0
    fi
    sleep 2
  done
  return 1
}

git fetch origin
git reset --hard origin/main

color=$(next)
step "build $color"
"${COMPOSE[@]}" build "api-$color"
"${COMPOSE[@]}" up -d "api-$color"
step "switch to $color, from $CURRENT"
switch_to "$color"
step "wait for $color"
wait_healthy "$color"

printf '{"release": "%s", "color": "%s"}\n' "$(git rev-parse HEAD)" "$color" > "$STATE"
