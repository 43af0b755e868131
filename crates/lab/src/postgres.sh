#!/bin/sh
# A PostgreSQL for one run, in the directory of the run, with which it goes. $1: where its programs are, $2: the port.
set -eu
umask 077
bin=$1 port=$2

# PostgreSQL refuses to run as root; then it runs as `postgres`, or as `nobody` where there is none.
user= as=
if [ "$(id -u)" = 0 ]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    as="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
fi

mkdir database
# Whoever else is on this machine reaches the port too.
od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > database/password
if [ -n "$as" ]; then
    chmod a+x .
    chown -R "$user" database
    $as test -x "$PWD/database" || { echo "$user may not enter $PWD: set TMPDIR to where it may" >&2; exit 1; }
fi
cd database
$as "$bin/initdb" -D "$PWD/data" -U authd --pwfile="$PWD/password" -A scram-sha-256 -E UTF8 --locale=C \
    --no-sync --no-instructions
# Shared memory in files of its own: what lies elsewhere outlives a server that is killed.
exec $as "$bin/postgres" -D "$PWD/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c dynamic_shared_memory_type=mmap
