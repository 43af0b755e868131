#!/bin/sh
# The parts of the test: `prepare`, `database` and `serve`. See keystone.test.toml.
#
# What is slow to make is kept in a directory of its own and used again: Keystone in a virtual environment,
# and a database that Keystone has laid out, with one account. Remove it to begin anew.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
kept=${KEYSTONE_KEPT:-$HOME/.cache/forewarn-keystone-30.0.0}
# Who logs in. What was kept with another account is made anew.
account=person

# PostgreSQL's programs: on the path, or where Debian puts them.
for bin in "$(dirname "$(readlink -f "$(command -v initdb || echo /)")")" /usr/lib/postgresql/*/bin; do
    if [ -x "$bin/initdb" ]; then break; fi
done
[ -x "$bin/initdb" ] || { echo "PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql" >&2; exit 1; }

# PostgreSQL refuses to run as root; then it runs as `postgres`, or as `nobody` where there is none.
user= as=
if [ "$(id -u)" = 0 ]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    as="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
fi
owned() { if [ -n "$user" ]; then chown -R "$user" "$1"; fi; }

is_ready() { [ "$(cat "$kept/ready" 2>/dev/null)" = "$account" ]; }

prepare() {
    if is_ready; then return; fi
    mkdir -p "$(dirname "$kept")"
    # Two at the same time: the second one finds everything there.
    exec 9> "$kept.lock"
    flock 9
    if is_ready; then return; fi
    rm -rf "$kept"
    python3 -m venv "$kept"
    "$kept/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"

    # The database is made where its user may go, and kept as a copy.
    room=$(mktemp -d)
    trap '$as "$bin/pg_ctl" -D "$room/data" -m immediate stop >/dev/null 2>&1 || :; rm -rf "$room"' EXIT
    chmod 755 "$room"
    mkdir "$room/data" "$room/keys" "$room/socket"
    owned "$room/data"
    owned "$room/socket"
    cd "$room"
    $as "$bin/initdb" -D "$room/data" -U keystone -A trust -E UTF8 --locale=C --no-sync --no-instructions
    $as "$bin/pg_ctl" -D "$room/data" -w -l "$room/data/log" \
        -o "-c fsync=off -c listen_addresses= -c unix_socket_directories=$room/socket" start 9>&-
    "$bin/createdb" -h "$room/socket" -U keystone keystone
    sed -e "s|^connection = .*|connection = postgresql+psycopg2://keystone@/keystone?host=$room/socket|" \
        -e "s|^key_repository = .*|key_repository = $room/keys|" "$here/keystone.conf" > "$room/keystone.conf"
    chmod 700 "$room/keys"
    manage="$kept/bin/keystone-manage --config-file $room/keystone.conf"
    $manage db_sync
    $manage fernet_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
    $manage bootstrap --bootstrap-username "$account" --bootstrap-password "correct horse battery" \
        --bootstrap-project-name service --bootstrap-region-id here --bootstrap-public-url http://127.0.0.1/v3
    $as "$bin/pg_ctl" -D "$room/data" -w -m fast stop
    cp -R "$room/data" "$room/keys" "$kept/"
    echo "$account" > "$kept/ready"
}

# $1: the port. Runs in the directory of the run.
database() {
    cp -R "$kept/data" "$kept/keys" .
    owned data
    chmod 700 data keys
    # The directory of a run is its owner's alone.
    if [ -n "$user" ]; then chmod a+x .; fi
    exec $as "$bin/postgres" -D "$PWD/data" -p "$1" -c fsync=off -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c max_connections=200
}

# $1: the port.
serve() {
    exec "$kept/bin/python" "$here/serve.py" "$1"
}

"$@"
