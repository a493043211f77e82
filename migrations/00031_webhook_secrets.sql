-- +goose Up
-- A secret that is replaced holds for a day more, also where the one after it is replaced within that day.

create table webhook_secrets (
	webhook text           not null references webhooks on delete cascade,
	secret  bytea          not null check (length(secret) between 24 and 64),
	until   timestamptz(3) not null,
	primary key (webhook, secret)
);
comment on table  webhook_secrets is 'The keys that webhooks had before: until their time is over, messages are signed with them too.';
comment on column webhook_secrets.until is 'From then on the key is good for nothing.';

insert into webhook_secrets select id, previous_secret, previous_secret_until from webhooks where previous_secret is not null;
alter table webhooks drop column previous_secret, drop column previous_secret_until; -- contract: nothing was released that has webhooks

-- +goose Down
alter table webhooks
	add column previous_secret       bytea          check (length(previous_secret) between 24 and 64),
	add column previous_secret_until timestamptz(3) check ((previous_secret is null) = (previous_secret_until is null));
comment on column webhooks.previous_secret is 'The key before: until previous_secret_until messages are signed with both.';
update webhooks w set previous_secret = s.secret, previous_secret_until = s.until
	from (select distinct on (webhook) webhook, secret, until from webhook_secrets order by webhook, until desc) s
	where s.webhook = w.id;
drop table webhook_secrets;
