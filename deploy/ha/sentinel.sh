#!/bin/sh
# Starts one of three Sentinels for docker-compose.ha.yml: sentinel.sh <address of the first primary>.
#
# What a Sentinel learns it writes into the file on its volume, and begins with that when it comes back.
set -eu

own=/data/sentinel.conf
if [ ! -e "$own" ]; then
  {
    echo "port 26379"
    echo "dir /data"
    # Only the services of the internal network reach it.
    echo "protected-mode no"
    # Two of three must agree that the primary is gone.
    echo "sentinel monitor intake $1 6379 2"
    # Less than 3 s would promote nobody where a primary comes back at once with an empty volume: it calls itself a replica,
    # Sentinels wait 20 s for it to change its mind, and pass over replicas without a primary for ten times this long.
    echo "sentinel down-after-milliseconds intake 5000"
    echo "sentinel failover-timeout intake 30000"
    # One replica after the other copies from a new primary, so that one has always all data.
    echo "sentinel parallel-syncs intake 1"
  } > "$own.new"
  mv "$own.new" "$own"
fi
exec redis-server "$own" --sentinel
