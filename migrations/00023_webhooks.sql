-- Who is told of changes by HTTP, and how far they have been told; and the schema of the queue in which deliveries wait.
-- Neither is part of the data set: no changeset and no history.

-- +goose Up
create type webhook_status as enum ('active', 'disabled');

create table webhooks (
	id                    text           primary key collate "C" check (id ~ '^[a-z2-7]{8}$'),
	name                  text           not null check (name <> '' and length(name) <= 100),
	target                text           not null check (length(target) <= 2000),
	query                 text           not null check (length(query) <= 8000),
	secret                bytea          not null check (length(secret) between 24 and 64),
	previous_secret       bytea          check (length(previous_secret) between 24 and 64),
	previous_secret_until timestamptz(3) check ((previous_secret is null) = (previous_secret_until is null)),
	status                webhook_status not null default 'active',
	status_reason         text           check (status_reason is null or status = 'disabled'),
	status_since          timestamptz(3) not null default now(),
	delivered_through     bigint         not null check (delivered_through >= 0),
	delivered_events      integer        not null default 0 check (delivered_events >= 0),
	delivered_count       bigint         not null default 0,
	failed_count          bigint         not null default 0,
	failures              integer        not null default 0,
	failing_since         timestamptz(3) check ((failing_since is null) = (failures = 0)),
	retry_at              timestamptz(3),
	last_message          text,
	last_attempt_at       timestamptz(3),
	last_answer           integer,
	last_error            text,
	created_at            timestamptz(3) not null default now(),
	created_by            text           not null,
	version               integer        not null default 1
);
comment on table  webhooks is 'Subscriptions: where what changes within a query is sent to, and how far it has been. Settings of the operator, not part of the data set.';
comment on column webhooks.id is 'Never given to another one: receivers know messages by it.';
comment on column webhooks.target is 'Address that messages are sent to.';
comment on column webhooks.query is 'The list whose changes are told: /v1/, the collection, and its parameters in canonical form.';
comment on column webhooks.secret is 'Key that messages are signed with (HMAC): it is needed as it is, so it cannot be stored as a hash. Shown once, when it is made.';
comment on column webhooks.previous_secret is 'The key before: until previous_secret_until messages are signed with both.';
comment on column webhooks.status_reason is 'Why it is disabled; null where somebody wanted it so.';
comment on column webhooks.delivered_through is 'Revision through which all has been accepted by the receiver.';
comment on column webhooks.delivered_events is 'Of the changeset after delivered_through so many events have been accepted, too.';
comment on column webhooks.delivered_count is 'Messages that the receiver has accepted.';
comment on column webhooks.failed_count is 'Attempts that it has not.';
comment on column webhooks.failures is 'Of the message that is next, so many attempts have failed.';
comment on column webhooks.retry_at is 'When that message is tried again; null: at once.';
comment on column webhooks.last_message is 'Id of the message of the last attempt.';
comment on column webhooks.last_answer is 'Status that was answered; null where there was no answer.';
comment on column webhooks.last_error is 'What was wrong with the last attempt; null: nothing.';
comment on column webhooks.version is 'Moves when its settings change: what was begun before that does not count.';
comment on column api_keys.scopes is 'write: record changesets. admin: that, also in the name of others, bring deleted records back, and see to webhooks.';

create schema river;
comment on schema river is 'The queue of deliveries. Its tables are those of River, which brings them up to date itself after these migrations.';

-- +goose Down
drop schema river cascade;
comment on column api_keys.scopes is 'write: record changesets. admin: that, also in the name of others, and bring deleted records back.';
drop table webhooks;
drop type webhook_status;
