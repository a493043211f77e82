-- History of what has ended. A row that is valid stands once, in its table, and says since which changeset; when it is
-- changed or deleted, its version goes to the schema "ended". So a row that is written for the first time is written once,
-- not twice with all its indexes, and a change adds one version instead of ending one and adding another.
--
-- history.<table> still has every version of every row, as a view; as_of.<table> what was valid at a moment, of both. The
-- program before reads these, and writes history by the triggers only: it may serve on.

-- +goose Up
create function since_column(of_table regclass) returns name stable language sql as $$
	select case when exists (select from pg_attribute where attrelid = of_table and attname = 'revision' and not attisdropped) then 'revision' else 'valid_from' end
$$;
comment on function since_column is 'The column that says since which changeset a row is valid: of records the revision, of their parts valid_from.';

-- Writers and readers wait for it, and it waits for them only as long as nobody is taken for deadlocked; then it is tried
-- again. Records first: whoever reads parts of theirs has begun with them.
set local lock_timeout = '200ms';
select pg_advisory_xact_lock(hashtext('parley.changesets'));
lock table as_of.segments in access exclusive mode;
-- +goose StatementBegin
do $$
declare
	relation regclass;
begin
	for relation in
		select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind = 'r' and to_regclass(format('history.%I', c.relname)) is not null
		order by since_column(c.oid), c.relname
	loop
		execute format('lock table %s in access exclusive mode', relation);
	end loop;
end $$;
-- +goose StatementEnd
set constraints all immediate;

create schema ended;
comment on schema ended is 'The versions of rows that have ended: a table for each table of records, with valid_from and valid_to in front.';
comment on schema history is 'Every version of every row: a view for each table of records, over what is valid and what has ended.';

create function columns_of(of_table regclass, of_row text default null) returns text stable language sql as $$
	select string_agg(coalesce(of_row || '.', '') || quote_ident(attname), ', ' order by attnum) from pg_attribute
	where attrelid = of_table and attnum > 0 and not attisdropped and attname <> 'valid_from'
$$;
comment on function columns_of is 'The columns of a table of records or parts, as SQL: what versions have, beside valid_from and valid_to. Of_row: the alias that they stand under.';

create function versions_of(of_table regclass, past text) returns text stable language sql as $$
	select format('(select %1$I as valid_from, 9223372036854775807 as valid_to, %2$s from public.%3$I union all select valid_from, valid_to, %2$s from %4$s.%3$I)',
		since_column(of_table), columns_of(of_table), relname, past) from pg_class where oid = of_table
$$;
comment on function versions_of is 'SQL for the versions of a table''s rows, valid and ended: those that stand in the schema "past", or in nothing but its own table: "only past".';

-- +goose StatementBegin
create function show_history(of_table regclass) returns void language plpgsql as $$
declare
	name constant name := (select relname from pg_class where oid = of_table);
begin
	execute format('create or replace view history.%I as select * from %s v', name, versions_of(of_table, 'ended'));
	execute format('comment on table ended.%I is %L', name, format('The versions of rows of %I that have ended: valid from a revision of the data set until before another.', name));
	execute format('comment on view history.%I is %L', name, format('Every version of each row of %I: valid from a revision of the data set until before another.', name));
end $$;
-- +goose StatementEnd
comment on function show_history is 'Makes or corrects the view of all versions of a table''s rows, and says what it and the table of those that ended are.';

-- +goose StatementBegin
create or replace function keep_history_by_triggers(of_table regclass, owners jsonb) returns void language plpgsql as $do$
declare
	name      constant name    := (select relname from pg_class where oid = of_table);
	since     constant name    := since_column(of_table);
	versioned constant boolean := since = 'revision';
	-- SQL, with the alias of a row for a parameter, for the record whose changeset writes the row: itself, or of which it is part.
	record    constant text    := case when versioned then '%1$s.id'
		else (select format('coalesce(%s)', string_agg(format('%%1$s.%I::text', key), ', ')) from jsonb_each_text(owners)) end;
	event     record;
	body      text;
begin
	if versioned then
		execute format('create or replace trigger c_stamp_revision before insert or update on %s for each row execute function stamp_revision()', of_table);
	else
		execute format('
			create or replace function history.%1$I() returns trigger language plpgsql as $body$
			begin
				new.valid_from := changeset_of(%2$s, nullif(current_setting(''parley.changeset'', true), '''')::bigint);
				if new.valid_from is null then
					perform changeset_in_progress(tg_op, tg_table_name); -- says what is wrong
				end if;
				return new;
			end $body$', 'begin_of_' || name, format(record, 'new'));
		execute format('create or replace trigger c_begin before insert or update on %s for each row execute function history.%I()', of_table, 'begin_of_' || name);
	end if;
	for event in select * from (values
		('insert', 'new table as new_rows', 'select * from new_rows'),
		('update', 'old table as old_rows new table as new_rows', 'select * from new_rows union all select * from old_rows'),
		('delete', 'old table as old_rows', 'select * from old_rows')) e(verb, tables, touched)
	loop
		body := '';
		if event.verb <> 'insert' then
			-- A version that began in this very changeset was never visible to anyone: it leaves no trace.
			body := format('
				insert into ended.%1$I (valid_from, valid_to, %2$s) select o.%3$I, changeset_of(%4$s, changeset), %5$s from old_rows o where o.%3$I <> changeset_of(%4$s, changeset);',
				name, columns_of(of_table), since, format(record, 'o'), columns_of(of_table, 'o'));
		end if;
		if versioned then
			-- What a changeset does to a record in several steps is one change: created and updated is created, deleted and
			-- created again is updated, created and deleted is nothing.
			body := body || replace(case event.verb
				when 'insert' then '
				insert into changes (revision, collection, record, op) select changeset_of(n.id, changeset), {collection}, n.id, ''create'' from new_rows n
					on conflict (revision, collection, record) do update set op = ''update'';'
				when 'update' then '
				insert into changes (revision, collection, record, op) select changeset_of(n.id, changeset), {collection}, n.id, ''update'' from new_rows n
					on conflict (revision, collection, record) do nothing;'
				else '
				with undone as (
					delete from changes c using old_rows o
					where c.revision = changeset_of(o.id, changeset) and c.collection = {collection} and c.record = o.id and c.op = ''create''
					returning c.record
				)
				insert into changes (revision, collection, record, op) select changeset_of(o.id, changeset), {collection}, o.id, ''delete'' from old_rows o
					where o.id not in (select u.record from undone u)
					on conflict (revision, collection, record) do update set op = ''delete'';'
				end, '{collection}', quote_literal(replace(name, '_', '-')));
		end if;
		-- A record changes when one of its parts does.
		select body || coalesce(string_agg(format('
				if exists (select from (%3$s) t join %1$I o on o.id = t.%2$I where o.revision <> changeset_of(o.id, changeset)) then
					update %1$I set revision = changeset_of(id, changeset) where revision <> changeset_of(id, changeset) and id in (select t.%2$I from (%3$s) t);
				end if;', o.value, o.key, event.touched), ''), '')
			into body from jsonb_each_text(owners) o;

		-- The plans are kept, and must also be good when a statement has many more rows than that for which they were made.
		execute format('
			create or replace function history.%1$I() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
			declare
				changeset bigint;
			begin
				if not exists (select from %2$s) then
					return null;
				end if;
				changeset := changeset_in_progress(tg_op, tg_table_name);%3$s
				return null;
			end $body$', event.verb || '_of_' || name, case event.verb when 'insert' then 'new_rows' else 'old_rows' end, body);
		execute format('create or replace trigger d_history_of_%1$s after %1$s on %2$s referencing %3$s for each statement execute function history.%4$I()',
			event.verb, of_table, event.tables, event.verb || '_of_' || name);
	end loop;
end $do$;
-- +goose StatementEnd
comment on function keep_history_by_triggers is 'Makes and attaches the functions that say since when a row is valid, keep versions that end, tell of changes and touch owners; to be called again when a table gets a column. Owners: for each column that names a record which a row is part of, the table of those records.';

-- +goose StatementBegin
create or replace function keep_history(
	of_table regclass,
	part_of  regclass default null,
	owner    name     default null
) returns void language plpgsql as $$
declare
	name     constant name   := (select relname from pg_class where oid = of_table);
	key      constant name[] := (select array_agg(a.attname order by k.n)
		from pg_index i, unnest(i.indkey::int[]) with ordinality k(attnum, n), pg_attribute a
		where i.indrelid = of_table and i.indisprimary and a.attrelid = of_table and a.attnum = k.attnum);
begin
	execute format('create table ended.%I (valid_from bigint not null, valid_to bigint not null, like %s, primary key (%s, valid_from), check (valid_from < valid_to))',
		name, of_table, (select string_agg(quote_ident(column_name), ', ') from unnest(key) column_name));
	execute format('create trigger only_by_trigger before insert or update or delete or truncate on ended.%I for each statement when (pg_trigger_depth() = 0) execute function refuse_write(%L)',
		name, 'history is written by the triggers of ' || name);
	if since_column(of_table) = 'valid_from' then
		execute format('alter table %s add column valid_from bigint not null', of_table);
	end if;
	execute format('create trigger a_no_truncate before truncate on %s for each statement execute function refuse_write(%L)', of_table, 'delete leaves history, truncate would not');
	execute format('create trigger b_only_real_changes before update on %s for each row execute function suppress_redundant_updates_trigger()', of_table);
	perform keep_history_by_triggers(of_table, case when part_of is null then '{}' else jsonb_build_object(owner, part_of::text) end);
	perform show_history(of_table);
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function show_past(relation regclass, in_schema name) returns void language plpgsql set search_path = public as $$
declare
	name       constant name := (select relname from pg_class where oid = relation);
	-- The revision is a subquery, so that it is found out once and not for every version that is looked at.
	moment     constant text := '(select current_setting(''parley.as_of'')::bigint)';
	closed     name;
	definition text;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		perform show_in(in_schema, in_schema, relation);
	else
		-- Versions stand in the first segment of the table that was closed at this cut or later; if there is none, in the table
		-- itself and among those that ended since. Most of what is there is of the moment: "case" keeps the planner from
		-- looking for it by index, and from taking it for few. It stands outside of what is put together, so that this is
		-- planned as one relation, with an index of either table for each order and join.
		closed := (select 'history_' || min(s.until) from as_of.segments s
			where s.until >= nullif(substring(in_schema from '^as_of_(\d+)$'), '')::bigint and to_regclass(format('history_%s.%I', s.until, name)) is not null);
		definition := case
			when name = 'changesets' then 'select * from public.changesets where id <= ' || moment
			when name = 'changes' then 'select * from public.changes where revision <= ' || moment
			else format('select %1$s from %2$s v where case when valid_from <= %3$s then valid_to > %3$s end', columns_of(relation),
				case when closed is null then versions_of(relation, 'only ended') else format('only %I.%I', closed, name) end, moment)
			end;
		execute format('create or replace view %I.%I as %s', in_schema, name, definition);
	end if;
	execute format('comment on view %I.%I is %L', in_schema, name, name || ' as it stood at the revision that parley.as_of names.');
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function close_segment(of_table name, cut bigint) returns void language plpgsql set search_path = public as $$
declare
	present   constant regclass := format('public.%I', of_table);
	ended     constant regclass := format('ended.%I', of_table);
	is_new    constant boolean  := not exists (select from as_of.segments where until = cut);
	closed    regclass;
begin
	if is_new then
		execute format('create schema if not exists history_%s', cut);
		execute format('create schema as_of_%s', cut);
		execute format('create schema reported_as_of_%s', cut);
	end if;
	execute format('create table history_%s.%I () inherits (%s)', cut, of_table, ended);
	closed := format('history_%s.%I', cut, of_table);
	execute format('insert into %1$s (valid_from, valid_to, %2$s)
		select valid_from, least(valid_to, %3$s), %2$s from only %4$s where valid_from < %3$s
		union all select %5$I, %3$s, %2$s from %6$s where %5$I < %3$s', closed, columns_of(present), cut, ended, since_column(present), present);
	perform index_as(ended, closed);
	execute format('analyze %s', closed);
	execute format('comment on table %s is %L', closed, format('What was valid of %I before revision %s, since the cut that precedes it.', of_table, cut));
	execute format('create trigger never_rewritten before insert or update or delete or truncate on %s for each statement execute function refuse_write(%L)', closed, 'the past is never rewritten');

	-- What is valid before the cut stands whatever is written meanwhile; only to take it out of what ended since, nobody may write.
	perform pg_advisory_xact_lock(hashtext('parley.changesets'));
	execute format('alter table %s disable trigger only_by_trigger', ended);
	execute format('delete from only %s where valid_to <= %s', ended, cut);
	execute format('alter table %s enable trigger only_by_trigger', ended);

	-- From here on nobody reads the past until it is seen whole again.
	lock table as_of.segments in access exclusive mode;
	if is_new then
		insert into as_of.segments values (cut);
		perform show_past(c.oid, 'as_of_' || cut) from readable_as_of() c(oid);
		perform show_reported(c.oid, 'as_of_' || cut) from readable_as_of() c(oid); -- over what is there by now
	end if;
	perform show_past(present, 'as_of_' || until) from as_of.segments where until <= cut;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function close_due_segment(at_least bigint, share float8, out closed name, out cut bigint) language plpgsql security definer set search_path = public, pg_temp as $$
begin
	perform pg_advisory_xact_lock(hashtext('parley.segments')); -- one at a time
	for closed in select c.relname from pg_class c where c.relnamespace = 'ended'::regnamespace and c.relkind = 'r' order by 1 loop
		-- With a share of a half, a segment holds hardly more than half as much again as a moment in it.
		execute format('select valid_to from (select valid_to, sum(count(*)) over (order by valid_to) as ended from only ended.%1$I group by 1) e
			where ended >= greatest($1, $2 * (select count(*) from public.%1$I)) order by 1 limit 1', closed)
			into cut using at_least, share;
		if cut is not null then
			perform close_segment(closed, cut);
			return;
		end if;
	end loop;
	closed := null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function move_sums() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
	if current_setting('parley.moves') = 'none' then
		return null; -- another row has seen to them
	end if;
	perform set_config('parley.moves', 'none', true);
	with moves as (
		delete from transfer_moves where revision >= current_setting('parley.changeset')::bigint returning *
	), moved as (
		select revision, collection, span, starts_on, from_party, to_party, country, commitment, whole_sum(records) as records, whole_sum(unknown_count) as unknown_count,
			whole_sum(unbounded_count) as unbounded_count, whole_sum(total) as total, whole_sum(total_low) as total_low, whole_sum(total_high) as total_high
		from moves group by 1, 2, 3, 4, 5, 6, 7, 8
	), stood as (
		select m.revision, collection, span, starts_on, from_party, to_party, country, commitment, s as before,
			coalesce(s.records, 0) + whole_sum(m.records) over w as records, coalesce(s.unknown_count, 0) + whole_sum(m.unknown_count) over w as unknown_count,
			coalesce(s.unbounded_count, 0) + whole_sum(m.unbounded_count) over w as unbounded_count, coalesce(s.total, 0) + whole_sum(m.total) over w as total,
			coalesce(s.total_low, 0) + whole_sum(m.total_low) over w as total_low, coalesce(s.total_high, 0) + whole_sum(m.total_high) over w as total_high,
			min(m.revision) over w as first, lead(m.revision) over w as next
		from moved m left join transfer_sums s using (collection, span, starts_on, from_party, to_party, country, commitment)
		where (m.records, m.unknown_count, m.unbounded_count, m.total, m.total_low, m.total_high) <> (0, 0, 0, 0, 0, 0)
		window w as (partition by collection, span, starts_on, from_party, to_party, country, commitment order by m.revision)
	), ended as (
		-- What stood before, unless it began in this very changeset and was never visible to anyone; and what one changeset of
		-- several that are one transaction left for the next.
		insert into ended.transfer_sums (valid_from, valid_to, collection, span, starts_on, from_party, to_party, country, commitment, records, unknown_count, unbounded_count, total, total_low, total_high)
		select (before).valid_from, revision, collection, span, starts_on, from_party, to_party, country, commitment,
			(before).records, (before).unknown_count, (before).unbounded_count, (before).total, (before).total_low, (before).total_high
		from stood where revision = first and (before).valid_from <> revision
		union all
		select revision, next, collection, span, starts_on, from_party, to_party, country, commitment, records, unknown_count, unbounded_count, total, total_low, total_high
		from stood where next is not null and records <> 0
	), emptied as (
		delete from transfer_sums s using stood m
		where (m.before).valid_from is not null and m.next is null and m.records = 0
			and (s.collection, s.span, s.starts_on, s.from_party, s.to_party, s.country, s.commitment) = (m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment)
	)
	insert into transfer_sums (valid_from, collection, span, starts_on, from_party, to_party, country, commitment, records, unknown_count, unbounded_count, total, total_low, total_high)
	select revision, collection, span, starts_on, from_party, to_party, country, commitment, records, unknown_count, unbounded_count, total, total_low, total_high
	from stood where next is null and records <> 0
	on conflict (collection, span, starts_on, from_party, to_party, country, commitment) do update set valid_from = excluded.valid_from,
		records = excluded.records, unknown_count = excluded.unknown_count, unbounded_count = excluded.unbounded_count, total = excluded.total, total_low = excluded.total_low, total_high = excluded.total_high;
	return null;
end $$;
-- +goose StatementEnd

-- The tables that there are: what is valid goes out of history, and says itself since when it is.
-- +goose StatementBegin
do $do$
declare
	t        record;
	mistaken bigint;
begin
	for t in
		select h.relname as name, format('public.%I', h.relname)::regclass as present,
			(select string_agg(format('h.%1$I = p.%1$I', a.attname), ' and ' order by a.attnum) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
				where i.indrelid = format('public.%I', h.relname)::regclass and i.indisprimary) as same_key,
			-- Whose parts its rows are is known to the function that was made for it.
			(select coalesce(jsonb_object_agg(m[2], m[1]), '{}') from pg_proc f, regexp_matches(f.prosrc, 'join (\w+) o on o\.id = t\.(\w+) where', 'g') m
				where f.pronamespace = 'history'::regnamespace and f.proname = 'insert_of_' || h.relname) as owners
		from pg_class h where h.relnamespace = 'history'::regnamespace and h.relkind = 'r'
	loop
		execute format('alter table history.%I set schema ended', t.name);
		execute format('alter table ended.%I disable trigger only_by_trigger', t.name);
		if since_column(t.present) = 'revision' then
			execute format('select count(*) from %s p join only ended.%I h on %s and h.valid_to = 9223372036854775807 where h.valid_from <> p.revision', t.present, t.name, t.same_key) into mistaken;
			if mistaken > 0 then
				raise exception '% rows of % say another revision than their history', mistaken, t.name;
			end if;
		else
			execute format('alter table %s add column valid_from bigint not null default 0', t.present);
			execute format('alter table %s disable trigger user', t.present);
			execute format('update %s p set valid_from = h.valid_from from only ended.%I h where %s and h.valid_to = 9223372036854775807', t.present, t.name, t.same_key);
			execute format('alter table %s enable trigger user', t.present);
			execute format('alter table %s alter column valid_from drop default', t.present);
			execute format('comment on column %s.valid_from is %L', t.present, 'The changeset that wrote the row.');
		end if;
		execute format('delete from only ended.%I where valid_to = 9223372036854775807', t.name);
		execute format('alter table ended.%I enable trigger only_by_trigger', t.name);
		if t.name <> 'transfer_sums' then -- which move_sums keeps
			perform keep_history_by_triggers(t.present, t.owners);
		end if;
		perform show_history(t.present);
	end loop;
end $do$;
-- +goose StatementEnd
select show_as_of(c.oid) from readable_as_of() c(oid);

-- Functions that are as they were, but for the schema; and the keys that webhooks had are not for readers either.
-- +goose StatementBegin
do $$
begin
	execute replace(pg_get_functiondef('read_as_of'::regproc), 'history.', 'ended.');
	execute replace(pg_get_functiondef('analyze_written'::regproc), 'history.', 'ended.');
	execute replace(replace(pg_get_functiondef('share_out'::regproc), 'reported|(history', 'reported|ended|(history'), 'idempotency_keys, webhooks from', 'idempotency_keys, webhooks, webhook_secrets from');
	if make_roles() then
		perform share_out();
	end if;
end $$;
-- +goose StatementEnd

-- +goose Down
select pg_advisory_xact_lock(hashtext('parley.changesets'));
set constraints all immediate;

-- Views over columns that go.
-- +goose StatementBegin
do $do$
declare
	v record;
begin
	for v in select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind = 'v' and (n.nspname = 'history' or n.nspname ~ '^as_of(_\d+)?$' and c.relname <> 'segments' or n.nspname ~ '^reported_as_of(_\d+)?$')
	loop
		execute format('drop view if exists %I.%I cascade', v.nspname, v.relname);
	end loop;
end $do$;
-- +goose StatementEnd

-- What is valid stands in history again.
-- +goose StatementBegin
do $do$
declare
	t record;
begin
	for t in select h.relname as name, format('public.%I', h.relname)::regclass as present from pg_class h where h.relnamespace = 'ended'::regnamespace and h.relkind = 'r' loop
		execute format('alter table ended.%I disable trigger only_by_trigger', t.name);
		execute format('insert into ended.%I (valid_from, valid_to, %s) select %I, 9223372036854775807, %s from %s', t.name, columns_of(t.present), since_column(t.present), columns_of(t.present), t.present);
		execute format('alter table ended.%I enable trigger only_by_trigger', t.name);
		execute format('comment on table ended.%I is %L', t.name, format('Every version of each row of %I: valid from a revision of the data set until before another.', t.name));
		execute format('alter table ended.%I set schema history', t.name);
	end loop;
end $do$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function keep_history_by_triggers(of_table regclass, owners jsonb) returns void language plpgsql as $$
declare
	name      constant name    := (select relname from pg_class where oid = of_table);
	same_key  constant text    := (select string_agg(format('h.%1$I = o.%1$I', a.attname), ' and ' order by a.attnum)
		from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = of_table and i.indisprimary);
	versioned constant boolean := exists (select from pg_attribute where attrelid = of_table and attname = 'revision' and not attisdropped);
	-- SQL, with the alias of a row for a parameter, for the changeset that writes the row: that of the record, or of whose part it is.
	written_by constant text := case when versioned then 'changeset_of(%1$s.id, changeset)'
		else (select format('changeset_of(coalesce(%s), changeset)', string_agg(format('%%1$s.%I::text', key), ', ')) from jsonb_each_text(owners)) end;
	event     record;
	body      text;
begin
	for event in select * from (values
		('insert', 'new table as new_rows', 'select * from new_rows'),
		('update', 'old table as old_rows new table as new_rows', 'select * from new_rows union all select * from old_rows'),
		('delete', 'old table as old_rows', 'select * from old_rows')) e(verb, tables, touched)
	loop
		body := '';
		if event.verb <> 'insert' then
			-- A version that began in this very changeset was never visible to anyone: it leaves no trace.
			body := format('
				delete from only history.%1$I h using old_rows o where %2$s and h.valid_from = %3$s;
				update only history.%1$I h set valid_to = %3$s from old_rows o where %2$s and h.valid_to = 9223372036854775807;', name, same_key, format(written_by, 'o'));
		end if;
		if event.verb <> 'delete' then
			body := body || format('
				insert into history.%I select %s, 9223372036854775807, n.* from new_rows n;', name, format(written_by, 'n'));
		end if;
		if versioned then
			-- What a changeset does to a record in several steps is one change: created and updated is created, deleted and
			-- created again is updated, created and deleted is nothing.
			body := body || replace(case event.verb
				when 'insert' then '
				insert into changes (revision, collection, record, op) select changeset_of(n.id, changeset), {collection}, n.id, ''create'' from new_rows n
					on conflict (revision, collection, record) do update set op = ''update'';'
				when 'update' then '
				insert into changes (revision, collection, record, op) select changeset_of(n.id, changeset), {collection}, n.id, ''update'' from new_rows n
					on conflict (revision, collection, record) do nothing;'
				else '
				with undone as (
					delete from changes c using old_rows o
					where c.revision = changeset_of(o.id, changeset) and c.collection = {collection} and c.record = o.id and c.op = ''create''
					returning c.record
				)
				insert into changes (revision, collection, record, op) select changeset_of(o.id, changeset), {collection}, o.id, ''delete'' from old_rows o
					where o.id not in (select u.record from undone u)
					on conflict (revision, collection, record) do update set op = ''delete'';'
				end, '{collection}', quote_literal(replace(name, '_', '-')));
		end if;
		-- A record changes when one of its parts does.
		select body || coalesce(string_agg(format('
				if exists (select from (%3$s) t join %1$I o on o.id = t.%2$I where o.revision <> changeset_of(o.id, changeset)) then
					update %1$I set revision = changeset_of(id, changeset) where revision <> changeset_of(id, changeset) and id in (select t.%2$I from (%3$s) t);
				end if;', o.value, o.key, event.touched), ''), '')
			into body from jsonb_each_text(owners) o;

		-- The plans are kept, and must also be good when a statement has many more rows than that for which they were made.
		execute format('
			create or replace function history.%1$I() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
			declare
				changeset bigint;
			begin
				if not exists (select from %2$s) then
					return null;
				end if;
				changeset := changeset_in_progress(tg_op, tg_table_name);%3$s
				return null;
			end $body$', event.verb || '_of_' || name, case event.verb when 'insert' then 'new_rows' else 'old_rows' end, body);
		execute format('create or replace trigger d_history_of_%1$s after %1$s on %2$s referencing %3$s for each statement execute function history.%4$I()',
			event.verb, of_table, event.tables, event.verb || '_of_' || name);
	end loop;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function keep_history(
	of_table regclass,
	part_of  regclass default null,
	owner    name     default null
) returns void language plpgsql as $$
declare
	name     constant name   := (select relname from pg_class where oid = of_table);
	key      constant name[] := (select array_agg(a.attname order by k.n)
		from pg_index i, unnest(i.indkey::int[]) with ordinality k(attnum, n), pg_attribute a
		where i.indrelid = of_table and i.indisprimary and a.attrelid = of_table and a.attnum = k.attnum);
begin
	execute format('create table history.%I (valid_from bigint not null, valid_to bigint not null, like %s, primary key (%s, valid_from), check (valid_from < valid_to))',
		name, of_table, (select string_agg(quote_ident(column_name), ', ') from unnest(key) column_name));
	execute format('comment on table history.%I is %L', name, format('Every version of each row of %I: valid from a revision of the data set until before another.', name));
	execute format('create trigger only_by_trigger before insert or update or delete or truncate on history.%I for each statement when (pg_trigger_depth() = 0) execute function refuse_write(%L)',
		name, 'history is written by the triggers of ' || name);

	execute format('create trigger a_no_truncate before truncate on %s for each statement execute function refuse_write(%L)', of_table, 'delete leaves history, truncate would not');
	execute format('create trigger b_only_real_changes before update on %s for each row execute function suppress_redundant_updates_trigger()', of_table);
	if exists (select from pg_attribute where attrelid = of_table and attname = 'revision' and not attisdropped) then
		execute format('create trigger c_stamp_revision before insert or update on %s for each row execute function stamp_revision()', of_table);
	end if;
	perform keep_history_by_triggers(of_table, case when part_of is null then '{}' else jsonb_build_object(owner, part_of::text) end);
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function show_past(relation regclass, in_schema name) returns void language plpgsql set search_path = public as $$
declare
	name       constant name := (select relname from pg_class where oid = relation);
	definition text;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		perform show_in(in_schema, in_schema, relation);
	else
		-- Versions stand in the first segment of the table that was closed at this cut or later, or in the open one. Most of
		-- what is there is of the moment: "case" keeps the planner from looking for it by index, and from taking it for few.
		-- The revision is a subquery, so that it is found out once and not for every version that is looked at.
		definition := case
			when name = 'changesets' then 'select * from public.changesets where id <= (select current_setting(''parley.as_of'')::bigint)'
			when name = 'changes' then 'select * from public.changes where revision <= (select current_setting(''parley.as_of'')::bigint)'
			else format('select %s from only %I.%I
				where case when valid_from <= (select current_setting(''parley.as_of'')::bigint) then valid_to > (select current_setting(''parley.as_of'')::bigint) end',
				(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped),
				coalesce((select 'history_' || min(s.until) from as_of.segments s
					where s.until >= nullif(substring(in_schema from '^as_of_(\d+)$'), '')::bigint and to_regclass(format('history_%s.%I', s.until, name)) is not null), 'history'),
				name)
			end;
		execute format('create or replace view %I.%I as %s', in_schema, name, definition);
	end if;
	execute format('comment on view %I.%I is %L', in_schema, name, name || ' as it stood at the revision that parley.as_of names.');
end $$;

create or replace function show_as_of(relation regclass) returns void language plpgsql as $$
declare
	base name;
begin
	for base in select nspname from pg_namespace where nspname ~ '^as_of(_\d+)?$' loop
		perform show_past(relation, base);
		perform show_reported(relation, base);
	end loop;
	perform show_reported(relation, 'public');
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function close_segment(of_table name, cut bigint) returns void language plpgsql set search_path = public as $$
declare
	open_part constant regclass := format('history.%I', of_table);
	is_new    constant boolean  := not exists (select from as_of.segments where until = cut);
	closed    regclass;
begin
	if is_new then
		execute format('create schema if not exists history_%s', cut);
		execute format('create schema as_of_%s', cut);
		execute format('create schema reported_as_of_%s', cut);
	end if;
	execute format('create table history_%s.%I () inherits (%s)', cut, of_table, open_part);
	closed := format('history_%s.%I', cut, of_table);
	execute format('insert into %1$s select valid_from, least(valid_to, %2$s), %3$s from only %4$s where valid_from < %2$s', closed, cut,
		(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
			where attrelid = open_part and attnum > 0 and not attisdropped and attname not in ('valid_from', 'valid_to')), open_part);
	perform index_as(open_part, closed);
	execute format('analyze %s', closed);
	execute format('comment on table %s is %L', closed, format('What was valid of %I before revision %s, since the cut that precedes it.', of_table, cut));
	execute format('create trigger never_rewritten before insert or update or delete or truncate on %s for each statement execute function refuse_write(%L)', closed, 'the past is never rewritten');

	-- What is valid before the cut stands whatever is written meanwhile; only to take it out of the open part, nobody may write.
	perform pg_advisory_xact_lock(hashtext('parley.changesets'));
	execute format('alter table %s disable trigger only_by_trigger', open_part);
	execute format('delete from only %s where valid_to <= %s', open_part, cut);
	execute format('alter table %s enable trigger only_by_trigger', open_part);

	-- From here on nobody reads the past until it is seen whole again.
	lock table as_of.segments in access exclusive mode;
	if is_new then
		insert into as_of.segments values (cut);
		perform show_past(c.oid, 'as_of_' || cut) from readable_as_of() c(oid);
		perform show_reported(c.oid, 'as_of_' || cut) from readable_as_of() c(oid); -- over what is there by now
	end if;
	perform show_past(of_table::text::regclass, 'as_of_' || until) from as_of.segments where until <= cut;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function close_due_segment(at_least bigint, share float8, out closed name, out cut bigint) language plpgsql security definer set search_path = public, pg_temp as $$
begin
	perform pg_advisory_xact_lock(hashtext('parley.segments')); -- one at a time
	for closed in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'history' and c.relkind = 'r' order by 1 loop
		-- With a share of a half, a segment holds hardly more than half as much again as a moment in it.
		execute format('select valid_to from (
				select valid_to, sum(count(*)) over (order by valid_to) as ended from only history.%1$I where valid_to < %2$s group by 1) e
			where ended >= greatest($1, $2 * (select count(*) from only history.%1$I where valid_to = %2$s)) order by 1 limit 1', closed, 9223372036854775807)
			into cut using at_least, share;
		if cut is not null then
			perform close_segment(closed, cut);
			return;
		end if;
	end loop;
	closed := null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function move_sums() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
	if current_setting('parley.moves') = 'none' then
		return null; -- another row has seen to them
	end if;
	perform set_config('parley.moves', 'none', true);
	with moves as (
		delete from transfer_moves where revision >= current_setting('parley.changeset')::bigint returning *
	), moved as (
		select revision, collection, span, starts_on, from_party, to_party, country, commitment, whole_sum(records) as records, whole_sum(unknown_count) as unknown_count,
			whole_sum(unbounded_count) as unbounded_count, whole_sum(total) as total, whole_sum(total_low) as total_low, whole_sum(total_high) as total_high
		from moves group by 1, 2, 3, 4, 5, 6, 7, 8
	), stood as (
		select m.*, coalesce(s.records, 0) + whole_sum(m.records) over w as now_records, coalesce(s.unknown_count, 0) + whole_sum(m.unknown_count) over w as now_unknown,
			coalesce(s.unbounded_count, 0) + whole_sum(m.unbounded_count) over w as now_unbounded, coalesce(s.total, 0) + whole_sum(m.total) over w as now_total,
			coalesce(s.total_low, 0) + whole_sum(m.total_low) over w as now_low, coalesce(s.total_high, 0) + whole_sum(m.total_high) over w as now_high,
			min(m.revision) over w as first, lead(m.revision) over w as next, s.records is not null as was
		from moved m left join transfer_sums s using (collection, span, starts_on, from_party, to_party, country, commitment)
		where (m.records, m.unknown_count, m.unbounded_count, m.total, m.total_low, m.total_high) <> (0, 0, 0, 0, 0, 0)
		window w as (partition by m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment order by m.revision)
	), undone as ( -- a version that began in this very changeset was never visible to anyone
		delete from only history.transfer_sums h using stood m
		where m.was and m.revision = m.first and h.valid_from = m.first and h.valid_to = 9223372036854775807
			and (h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment) = (m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment)
	), stands as materialized ( -- the version that ends, found from the end: a sum that is moved often has many
		select m.*, (
			select h.valid_from from only history.transfer_sums h
			where (h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment) = (m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment)
			order by h.valid_from desc limit 1) as since
		from stood m where m.was and m.revision = m.first
	), ended as (
		update only history.transfer_sums h set valid_to = m.first from stands m
		where m.since <> m.first and h.valid_from = m.since and h.valid_to = 9223372036854775807
			and (h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment) = (m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment)
	), begun as (
		insert into history.transfer_sums
		select revision, coalesce(next, 9223372036854775807), collection, span, starts_on, from_party, to_party, country, commitment,
			now_records, now_unknown, now_unbounded, now_total, now_low, now_high
		from stood where now_records <> 0
	), emptied as (
		delete from transfer_sums s using stood m
		where m.was and m.next is null and m.now_records = 0
			and (s.collection, s.span, s.starts_on, s.from_party, s.to_party, s.country, s.commitment) = (m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment)
	)
	insert into transfer_sums
	select collection, span, starts_on, from_party, to_party, country, commitment, now_records, now_unknown, now_unbounded, now_total, now_low, now_high
	from stood where next is null and now_records <> 0
	on conflict (collection, span, starts_on, from_party, to_party, country, commitment) do update set
		records = excluded.records, unknown_count = excluded.unknown_count, unbounded_count = excluded.unbounded_count, total = excluded.total, total_low = excluded.total_low, total_high = excluded.total_high;
	return null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
do $$
begin
	execute replace(pg_get_functiondef('read_as_of'::regproc), 'ended.', 'history.');
	execute replace(pg_get_functiondef('analyze_written'::regproc), 'ended.', 'history.');
	execute replace(replace(pg_get_functiondef('share_out'::regproc), 'reported|ended|(history', 'reported|(history'), 'idempotency_keys, webhooks, webhook_secrets from', 'idempotency_keys, webhooks from');
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
do $do$
declare
	t record;
begin
	for t in
		select format('public.%I', h.relname)::regclass as present, h.relname as name,
			(select coalesce(jsonb_object_agg(m[2], m[1]), '{}') from pg_proc f, regexp_matches(f.prosrc, 'join (\w+) o on o\.id = t\.(\w+) where', 'g') m
				where f.pronamespace = 'history'::regnamespace and f.proname = 'insert_of_' || h.relname) as owners
		from pg_class h where h.relnamespace = 'history'::regnamespace and h.relkind = 'r'
	loop
		if t.name <> 'transfer_sums' then
			perform keep_history_by_triggers(t.present, t.owners);
		end if;
		if since_column(t.present) = 'valid_from' then
			execute format('drop trigger if exists c_begin on %s', t.present);
			execute format('drop function if exists history.%I()', 'begin_of_' || t.name);
			execute format('alter table %s drop column valid_from', t.present);
		end if;
	end loop;
end $do$;
-- +goose StatementEnd
select show_as_of(c.oid) from readable_as_of() c(oid);
drop function show_history(regclass);
drop function versions_of(regclass, text);
drop function columns_of(regclass, text);
drop function since_column(regclass);
drop schema ended;
comment on schema history is 'Every version of every row: a table for each table of records, with valid_from and valid_to in front.';
comment on function keep_history_by_triggers is 'Makes and attaches the functions that end and begin versions, tell of changes and touch owners. Owners: for each column that names a record which a row is part of, the table of those records.';
