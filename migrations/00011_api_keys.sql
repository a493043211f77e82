-- Keys of those who write, and which of their requests were carried out. Neither is part of the data set: no changeset
-- and no history.

-- +goose Up
create type api_key_scope as enum ('write', 'admin');

create table api_keys (
	id           text            primary key collate "C" check (id ~ '^[a-z2-7]{8}$'),
	name         text            not null check (name <> '' and length(name) <= 100),
	scopes       api_key_scope[] not null check (cardinality(scopes) > 0),
	hash         bytea           not null check (length(hash) = 32),
	created_at   timestamptz(3)  not null default now(),
	expires_at   timestamptz(3),
	revoked_at   timestamptz(3),
	last_used_at timestamptz(3)
);
comment on table  api_keys is 'API keys. The secret itself is stored nowhere.';
comment on column api_keys.id is 'Public part of the key, by which people recognise it.';
comment on column api_keys.name is 'Who writes with it: the author of their changesets.';
comment on column api_keys.scopes is 'write: record changesets. admin: that, also in the name of others, and bring deleted records back.';
comment on column api_keys.hash is 'SHA-256 of the whole key.';
comment on column api_keys.last_used_at is 'To the minute.';

create table idempotency_keys (
	api_key     text           not null references api_keys,
	key         text           not null collate "C" check (length(key) between 1 and 255),
	fingerprint bytea          not null check (length(fingerprint) = 32),
	revision    bigint         not null,
	changed     boolean        not null,
	created     boolean        not null,
	created_at  timestamptz(3) not null default now(),
	primary key (api_key, key)
);
comment on table  idempotency_keys is 'Requests that were carried out, by the Idempotency-Key that makes it safe to repeat them; kept for 24 hours.';
comment on column idempotency_keys.fingerprint is 'SHA-256 of the request: the key holds for no other.';
comment on column idempotency_keys.revision is 'Of the data set when the request was carried out.';
comment on column idempotency_keys.changed is 'Did it make that revision?';
comment on column idempotency_keys.created is 'Did it make a new record?';
create index idempotency_keys_created_at on idempotency_keys (created_at);

-- +goose Down
drop table idempotency_keys, api_keys;
drop type api_key_scope;
