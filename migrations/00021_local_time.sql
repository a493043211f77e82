-- What local_time calls is stable, and it said immutable: so PostgreSQL could not put its body in the place of a call, and
-- prepared the function anew in every statement.

-- +goose Up
alter function local_time(timestamptz, interval) stable;

-- +goose Down
alter function local_time(timestamptz, interval) immutable;
