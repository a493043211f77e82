-- Parts of records as they are shown, made ahead: putting them together from their rows is most of what a read costs. The
-- schema "kept" has a table for each collection of which that is worth while. A row holds while its record is at the same
-- revision, and as long as nothing else that is shown within it changes: triggers see to that by setting its revision to 0.
-- What does not hold, or is not there, is put together by the reader; the program makes it anew soon after. So nothing
-- depends on these tables but time.

-- +goose Up
create schema kept;
comment on schema kept is 'Parts of the records of a collection as they are shown, made ahead. Nothing is lost with them.';

create table kept.progress (
	collection text   not null collate "C",
	form       bigint not null,
	change     bigint not null,
	walked_to  text   collate "C",
	primary key (collection, form)
);
comment on table  kept.progress is 'How far the records of a collection are kept.';
comment on column kept.progress.form is 'Stands for the SQL that made what is kept: a program with other SQL makes it anew.';
comment on column kept.progress.change is 'Of the feed of changes, all up to this one is kept,';
comment on column kept.progress.walked_to is 'but at first only of records up to this id. Null: of all.';

create table kept.prisoner_exchanges (
	id         slug   primary key,
	revision   bigint not null,
	form       bigint not null,
	transfers  json   not null,
	mediators  text[] not null,
	categories text[] not null,
	sources    json   not null,
	reports    json   not null
);
comment on table kept.prisoner_exchanges is 'Of each exchange, what is shown of its parts.';
comment on column kept.prisoner_exchanges.revision is 'Of the record when this was made; 0: no longer so.';
create index prisoner_exchanges_due on kept.prisoner_exchanges (id) where revision = 0;

create table kept.body_repatriations (
	id        slug   primary key,
	revision  bigint not null,
	form      bigint not null,
	transfers json   not null,
	mediators text[] not null,
	sources   json   not null,
	reports   json   not null
);
comment on table kept.body_repatriations is 'Of each repatriation, what is shown of its parts.';
comment on column kept.body_repatriations.revision is 'Of the record when this was made; 0: no longer so.';
create index body_repatriations_due on kept.body_repatriations (id) where revision = 0;

create table kept.rounds (
	id          slug   primary key,
	revision    bigint not null,
	form        bigint not null,
	hosts       text[] not null,
	mediators   text[] not null,
	parties     text[] not null,
	delegations json   not null,
	proposals   json   not null,
	commitments json   not null,
	claims      json   not null,
	sources     json   not null,
	reports     json   not null
);
comment on table kept.rounds is 'Of each round, what is shown of its parts and of the proposals, commitments and claims made there.';
comment on column kept.rounds.revision is 'Of the record when this was made; 0: no longer so.';
create index rounds_due on kept.rounds (id) where revision = 0;

-- What changes in a record without its own revision.

-- +goose StatementBegin
create function forget_what_shows_sources() returns trigger language plpgsql as $$
begin
	update kept.prisoner_exchanges k set revision = 0 from new_rows n join prisoner_exchange_sources l on l.source = n.id where k.id = l.prisoner_exchange;
	update kept.body_repatriations k set revision = 0 from new_rows n join body_repatriation_sources l on l.source = n.id where k.id = l.body_repatriation;
	update kept.rounds k set revision = 0 from new_rows n join round_sources l on l.source = n.id where k.id = l.round;
	return null;
end $$;

create function forget_what_shows_people() returns trigger language plpgsql as $$
begin
	update kept.rounds k set revision = 0 from new_rows n join delegation_members m on m.person = n.id join delegations d on d.id = m.delegation where k.id = d.round;
	return null;
end $$;

create function forget_rounds() returns trigger language plpgsql as $$
begin
	if tg_op <> 'INSERT' then
		update kept.rounds k set revision = 0 from old_rows o where k.id = o.round;
	end if;
	if tg_op <> 'DELETE' then
		update kept.rounds k set revision = 0 from new_rows n where k.id = n.round;
	end if;
	return null;
end $$;
-- +goose StatementEnd
comment on function forget_what_shows_sources is 'Records show the sources that they cite.';
comment on function forget_what_shows_people is 'Rounds show the names of those who took part.';
comment on function forget_rounds is 'Rounds show the proposals, commitments and claims made there.';

create trigger h_forget after update on sources referencing new table as new_rows for each statement execute function forget_what_shows_sources();
create trigger h_forget after update on people referencing new table as new_rows for each statement execute function forget_what_shows_people();
-- +goose StatementBegin
do $do$
declare
	k record;
begin
	for k in select * from (values ('proposals'), ('commitments'), ('claims')) t(of_table),
		(values ('insert', 'new table as new_rows'), ('update', 'old table as old_rows new table as new_rows'), ('delete', 'old table as old_rows')) v(verb, tables)
	loop
		execute format('create trigger h_forget_on_%1$s after %1$s on %2$I referencing %3$s for each statement execute function forget_rounds()', k.verb, k.of_table, k.tables);
	end loop;
end $do$;
-- +goose StatementEnd

-- +goose Down
drop function forget_what_shows_sources() cascade;
drop function forget_what_shows_people() cascade;
drop function forget_rounds() cascade;
drop schema kept cascade;
