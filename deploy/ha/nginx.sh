#!/bin/sh
# Starts nginx for docker-compose.ha.yml with deploy/nginx.conf, in front of these shims: nginx.sh <host:port> ...
set -eu

servers=
for shim in "$@"; do servers="$servers server $shim;"; done
sed "s|server 127.0.0.1:3005;|$servers|" /etc/nginx/intake.conf > /tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
