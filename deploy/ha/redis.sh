#!/bin/sh
# Starts one of three Redis for docker-compose.ha.yml: redis.sh <whose replica it is at its very first start>.
#
# The Sentinels rewrite the file on the volume, so that a Redis that comes back is what it was when it went, or a replica.
# With an empty volume none becomes a primary by itself: the others would copy its emptiness and lose everything. The first
# primary of all is made once, by `redis.sh first-primary <the others>`, which writes the file and ends. It refuses where one
# of the others runs already.
set -eu

own=/data/redis.conf
role=$1
if [ "$role" = first-primary ]; then
  shift
  for other in "$@"; do
    if redis-cli -h "$other" -t 2 ping > /dev/null 2>&1; then
      echo "redis.sh: $other runs, and an empty primary would empty it. Start this Redis as the others." >&2
      exit 1
    fi
  done
fi
if [ ! -e "$own" ]; then
  {
    cat /etc/redis/redis.conf
    # A primary that was cut off from both replicas must stop promising (NOREPLICAS), whatever the shims ask for.
    echo "min-replicas-to-write 1"
    echo "min-replicas-max-lag 10"
    [ "$role" = first-primary ] || echo "replicaof $role 6379"
  } > "$own.new"
  mv "$own.new" "$own"
fi
[ "$role" = first-primary ] || exec redis-server "$own"
