#!/bin/sh
set -eu

# Fail here, with a name, and not later inside the driver.
: "${DB_HOST:?is not set}"
: "${DB_PASSWORD_FILE:?is not set}"

exec "$@"
