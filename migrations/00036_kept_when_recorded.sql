-- +goose Up
-- When a record was last changed is looked up in another table. It is kept with what is shown of its parts: that is a tenth of what
-- a page costs. A program that does not know of it leaves it null, and does not show it.
alter table kept.prisoner_exchanges add column recorded_at timestamptz;
alter table kept.body_repatriations add column recorded_at timestamptz;
alter table kept.rounds add column recorded_at timestamptz;
comment on table kept.prisoner_exchanges is 'Of each exchange, what is shown of its parts, and when it was recorded.';
comment on table kept.body_repatriations is 'Of each repatriation, what is shown of its parts, and when it was recorded.';
comment on table kept.rounds is 'Of each round, what is shown of its parts and of the proposals, commitments and claims made there, and when it was recorded.';

-- +goose Down
alter table kept.prisoner_exchanges drop column recorded_at;
alter table kept.body_repatriations drop column recorded_at;
alter table kept.rounds drop column recorded_at;
comment on table kept.prisoner_exchanges is 'Of each exchange, what is shown of its parts.';
comment on table kept.body_repatriations is 'Of each repatriation, what is shown of its parts.';
comment on table kept.rounds is 'Of each round, what is shown of its parts and of the proposals, commitments and claims made there.';
