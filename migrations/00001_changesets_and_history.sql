-- Changesets and history: the ground that every other table stands on.
--
-- A row may be written only inside a changeset, and every version of every row stays in the schema "history". Both are
-- enforced here by triggers, so that no program, and nobody with psql, can change a figure without a trace.
--
--   begin;
--   insert into changesets (author, message) values ('desk', 'Correct the date of …');
--   update …; insert …; delete …;
--   commit;
--
-- A new table joins in by one call of keep_history(), see the bottom of this file.

-- +goose Up
create schema history;
comment on schema history is 'Every version of every row: a table for each table of records, with valid_from and valid_to in front.';

create table changesets (
	id             bigint         primary key check (id > 0),
	author         text           not null check (author <> ''),
	message        text           not null check (message <> ''),
	recorded_at    timestamptz(3) not null,
	transaction_id xid8           not null
);
comment on table  changesets is 'Who changed the data set, when and why. A changeset is one transaction; its id is the revision of the whole data set.';
comment on column changesets.id is 'Revision of the data set. Given out in the order of commits, without gaps.';
comment on column changesets.recorded_at is 'When the change was recorded; never earlier than that of the changeset before.';
comment on column changesets.transaction_id is 'The transaction that opened the changeset and alone may write under it.';

create index changesets_recorded_at on changesets (recorded_at, id);

-- +goose StatementBegin
create function open_changeset() returns trigger language plpgsql as $$
declare
	last changesets;
begin
	-- One writer at a time from here to its commit: so ids come in the order of commits, and whoever reads revision N
	-- never sees a smaller one appear later.
	perform pg_advisory_xact_lock(hashtext('parley.changesets'));
	select * into last from changesets order by id desc limit 1;
	new.id             := coalesce(last.id, 0) + 1;
	new.recorded_at    := greatest(coalesce(new.recorded_at, clock_timestamp()), last.recorded_at);
	new.transaction_id := pg_current_xact_id();
	perform set_config('parley.changeset', new.id::text, true);
	return new;
end $$;
-- +goose StatementEnd
comment on function open_changeset is 'Gives a new changeset its id and makes it the one that this transaction writes under.';

-- +goose StatementBegin
create function refuse_write() returns trigger language plpgsql as $$
begin
	raise exception '% on % is not allowed: %', tg_op, tg_table_name, tg_argv[0]
		using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd
comment on function refuse_write is 'For what nobody may do, such as rewriting a changeset. The argument says why.';

create trigger open_changeset before insert on changesets
	for each row execute function open_changeset();
create trigger never_rewritten before update or delete or truncate on changesets
	for each statement execute function refuse_write('a changeset is never rewritten');

-- +goose StatementBegin
create function require_changeset() returns trigger language plpgsql as $$
begin
	if not exists (
		select from changesets
		where id = nullif(current_setting('parley.changeset', true), '')::bigint
		and transaction_id = pg_current_xact_id()
	) then
		raise exception '% on % outside a changeset', tg_op, tg_table_name using
			errcode = 'insufficient_privilege',
			hint    = 'In the same transaction, first: insert into changesets (author, message) values (…)';
	end if;
	return null;
end $$;
-- +goose StatementEnd
comment on function require_changeset is 'Refuses a write in a transaction that has opened no changeset.';

-- +goose StatementBegin
create function stamp_revision() returns trigger language plpgsql as $$
begin
	new.revision := current_setting('parley.changeset')::bigint;
	return new;
end $$;
-- +goose StatementEnd
comment on function stamp_revision is 'Sets a record''s revision to the changeset that writes it, whatever the statement says.';

create type change_op as enum ('create', 'update', 'delete');

create table changes (
	id         bigint    generated always as identity primary key,
	revision   bigint    not null references changesets,
	collection text      not null collate "C",
	record     text      not null collate "C",
	op         change_op not null,
	unique (revision, collection, record)
);
comment on table  changes is 'Which records each changeset created, updated and deleted, in the order in which it did: the feed of changes.';
comment on column changes.id is 'Place in the feed; later changesets have greater ones.';
comment on column changes.collection is 'Name of the collection in the API.';
create index changes_of_record on changes (collection, record, id);

create trigger only_by_trigger before insert or update or delete or truncate on changes
	for each statement when (pg_trigger_depth() = 0) execute function refuse_write('changes are written by the triggers of the records');

-- +goose StatementBegin
create function record_change() returns trigger language plpgsql as $$
declare
	changeset     constant bigint := current_setting('parley.changeset')::bigint;
	in_collection constant text   := replace(tg_table_name, '_', '-');
begin
	-- What a changeset does to a record in several steps is one change: created and updated is created, deleted and
	-- created again is updated, created and deleted is nothing.
	case tg_op
	when 'INSERT' then
		insert into changes (revision, collection, record, op) select changeset, in_collection, n.id, 'create' from new_rows n
			on conflict (revision, collection, record) do update set op = 'update';
	when 'UPDATE' then
		insert into changes (revision, collection, record, op) select changeset, in_collection, n.id, 'update' from new_rows n
			on conflict (revision, collection, record) do nothing;
	when 'DELETE' then
		with undone as (
			delete from changes c using old_rows o
			where c.revision = changeset and c.collection = in_collection and c.record = o.id and c.op = 'create'
			returning c.record
		)
		insert into changes (revision, collection, record, op) select changeset, in_collection, o.id, 'delete' from old_rows o
			where o.id not in (select u.record from undone u)
			on conflict (revision, collection, record) do update set op = 'delete';
	end case;
	return null;
end $$;
-- +goose StatementEnd
comment on function record_change is 'Writes down which records a statement created, updated or deleted.';

-- +goose StatementBegin
create function record_history() returns trigger language plpgsql as $$
declare
	changeset constant bigint := current_setting('parley.changeset')::bigint;
	same_key  constant text   := tg_argv[0];
begin
	if tg_op <> 'INSERT' then
		-- A version that began in this very changeset was never visible to anyone: it leaves no trace.
		execute format('delete from history.%I h using old_rows o where %s and h.valid_from = $1', tg_table_name, same_key)
			using changeset;
		execute format('update history.%I h set valid_to = $1 from old_rows o where %s and h.valid_to = %s', tg_table_name, same_key, 9223372036854775807)
			using changeset;
	end if;
	if tg_op <> 'DELETE' then
		execute format('insert into history.%I select $1, %s, n.* from new_rows n', tg_table_name, 9223372036854775807)
			using changeset;
	end if;
	return null;
end $$;
-- +goose StatementEnd
comment on function record_history is 'Ends the old versions of the rows that a statement touched and begins the new ones.';

-- +goose StatementBegin
create function touch_owner() returns trigger language plpgsql as $$
declare
	changeset constant bigint := current_setting('parley.changeset')::bigint;
	rows      constant text   := case tg_op
		when 'INSERT' then 'select %2$I from new_rows'
		when 'DELETE' then 'select %2$I from old_rows'
		else 'select %2$I from new_rows union select %2$I from old_rows' end;
begin
	execute format('update %1$I set revision = $1 where revision <> $1 and id in (' || rows || ')', tg_argv[0], tg_argv[1])
		using changeset;
	return null;
end $$;
-- +goose StatementEnd
comment on function touch_owner is 'A record changes when one of its parts does: moves the revision of the records that own the rows of a statement.';

-- +goose StatementBegin
create function keep_history(
	of_table regclass,
	part_of  regclass default null,
	owner    name     default null
) returns void language plpgsql as $$
declare
	name     constant name    := (select relname from pg_class where oid = of_table);
	key      constant name[]  := (select array_agg(a.attname order by k.n)
		from pg_index i, unnest(i.indkey::int[]) with ordinality k(attnum, n), pg_attribute a
		where i.indrelid = of_table and i.indisprimary and a.attrelid = of_table and a.attnum = k.attnum);
	same_key constant text    := (select string_agg(format('h.%1$I = o.%1$I', column_name), ' and ') from unnest(key) column_name);
	versioned constant boolean := exists (select from pg_attribute where attrelid = of_table and attname = 'revision' and not attisdropped);
	event    record;
begin
	execute format('create table history.%I (valid_from bigint not null, valid_to bigint not null, like %s, primary key (%s, valid_from), check (valid_from < valid_to))',
		name, of_table, (select string_agg(quote_ident(column_name), ', ') from unnest(key) column_name));
	execute format('comment on table history.%I is %L', name, format('Every version of each row of %I: valid from a revision of the data set until before another.', name));
	execute format('create trigger only_by_trigger before insert or update or delete or truncate on history.%I for each statement when (pg_trigger_depth() = 0) execute function refuse_write(%L)',
		name, 'history is written by the triggers of ' || name);

	execute format('create trigger a_require_changeset before insert or update or delete on %s for each statement execute function require_changeset()', of_table);
	execute format('create trigger a_no_truncate before truncate on %s for each statement execute function refuse_write(%L)', of_table, 'delete leaves history, truncate would not');
	execute format('create trigger b_only_real_changes before update on %s for each row execute function suppress_redundant_updates_trigger()', of_table);
	if versioned then
		execute format('create trigger c_stamp_revision before insert or update on %s for each row execute function stamp_revision()', of_table);
	end if;
	for event in select * from (values
		('insert', 'new table as new_rows'),
		('update', 'old table as old_rows new table as new_rows'),
		('delete', 'old table as old_rows')) e(verb, tables)
	loop
		execute format('create trigger d_history_of_%s after %1$s on %s referencing %s for each statement execute function record_history(%L)',
			event.verb, of_table, event.tables, same_key);
		if versioned then
			execute format('create trigger d_change_of_%s after %1$s on %s referencing %s for each statement execute function record_change()',
				event.verb, of_table, event.tables);
		end if;
		if part_of is not null then
			execute format('create trigger e_touch_owner_on_%s after %1$s on %s referencing %s for each statement execute function touch_owner(%L, %L)',
				event.verb, of_table, event.tables, part_of, owner);
		end if;
	end loop;
end $$;
-- +goose StatementEnd
comment on function keep_history is 'Makes a table keep its history. For a table whose rows are parts of a record: the table of those records, and the column that names the record.';

-- +goose Down
drop function keep_history(regclass, regclass, name);
drop function touch_owner();
drop function record_history();
drop function stamp_revision();
drop function require_changeset();
drop function record_change();
drop table changes, changesets;
drop type change_op;
drop function refuse_write();
drop function open_changeset();
drop schema history;
