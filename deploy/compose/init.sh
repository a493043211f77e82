#!/bin/sh
# Makes the role and the database of Parley, once, in a cluster that is new. Patroni hands over how to connect.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=password="$PARLEY_PASSWORD" "$1" <<'END'
create role parley login password :'password';
create database parley owner parley;
END
