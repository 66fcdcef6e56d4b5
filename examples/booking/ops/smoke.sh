#!/usr/bin/env bash
set -euo pipefail

curl -fsS https://cabins.example/healthz >/dev/null
curl -fsS https://cabins.example/api/cabins >/dev/null
echo "smoke passed"
