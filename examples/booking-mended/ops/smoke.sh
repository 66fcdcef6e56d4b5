#!/usr/bin/env bash
# Asks a site what it has to answer.
set -euo pipefail

site=${1:?the address of the site, as in http://localhost:8080}
curl -fsS --retry 5 --retry-delay 2 "$site/readyz" > /dev/null
curl -fsS --retry 5 --retry-delay 2 "$site/api/cabins" > /dev/null
