#!/bin/sh
# Makes the roles and the database of Parley, once, in a cluster that is new. Patroni hands over how to connect.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=password="$PARLEY_PASSWORD" "$1" <<'END'
create role parley login password :'password';
create role parley_reader;
create role parley_writer;
grant parley_reader, parley_writer to parley;
create database parley owner parley;
END
