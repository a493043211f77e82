-- History in segments: what reading the past costs must not grow with the number of versions. When enough versions have
-- ended, close_due_segment() cuts the history of a table at a revision: all that was valid before it moves to a table of its
-- own, in the schema "history_<revision>", where it is as dense as the present is. What is still valid stands in both. A
-- closed segment inherits from the table that it was cut from, so that history.<table> still has every version, and
-- "only history.<table>" those of the segment that is open.
--
-- For each cut there is a schema "as_of_<revision>" like "as_of", for the moments before it. To read a revision, a
-- transaction takes the schema of the first cut after it, or "as_of" if there is none:
--
--   lock table as_of.segments in access share mode;   -- before its snapshot: no cut between that and the reading
--   select min(until) from as_of.segments where until > 42;

-- +goose Up
create table as_of.segments (until bigint primary key check (until > 1));
comment on table as_of.segments is 'The revisions at which history was cut: the schema as_of_<until> reads the moments before, since the cut that precedes it.';

-- +goose StatementBegin
create or replace function record_history() returns trigger language plpgsql as $$
declare
	changeset constant bigint := current_setting('parley.changeset')::bigint;
	same_key  constant text   := tg_argv[0];
begin
	if tg_op <> 'INSERT' then
		-- A version that began in this very changeset was never visible to anyone: it leaves no trace.
		execute format('delete from only history.%I h using old_rows o where %s and h.valid_from = $1', tg_table_name, same_key)
			using changeset;
		execute format('update only history.%I h set valid_to = $1 from old_rows o where %s and h.valid_to = %s', tg_table_name, same_key, 9223372036854775807)
			using changeset;
	end if;
	if tg_op <> 'DELETE' then
		execute format('insert into history.%I select $1, %s, n.* from new_rows n', tg_table_name, 9223372036854775807)
			using changeset;
	end if;
	return null;
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
create function index_as(pattern regclass, history regclass) returns void language plpgsql as $$
declare
	index record;
begin
	for index in select pg_get_indexdef(i.indexrelid) as definition, i.indisunique as one from pg_index i where i.indrelid = pattern loop
		execute format('create %s index on %s%s', case when index.one then 'unique' end, history, substring(index.definition from ' USING .*$'));
	end loop;
end $$;
-- +goose StatementEnd
comment on function index_as is 'Gives a table the indexes of another one with the same columns.';

-- +goose StatementBegin
create function close_segment(of_table name, cut bigint) returns void language plpgsql set search_path = public as $$
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
comment on function close_segment is 'Moves what was valid of a table before a revision into a closed segment.';

-- +goose StatementBegin
create function close_due_segment(at_least bigint, share float8, out closed name, out cut bigint) language plpgsql as $$
begin
	perform pg_advisory_xact_lock(hashtext('parley.changesets'));
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
comment on function close_due_segment is 'Cuts the history of one table where enough versions have ended: at_least so many, and a share of the number of rows. It says which; null: of none.';

select show_as_of(c.oid) from readable_as_of() c(oid);

-- +goose Down
-- record_history stays as it is: without closed segments it does what it did.
-- +goose StatementBegin
do $$
declare
	segment  bigint;
	of_table name;
begin
	for segment in select until from as_of.segments order by 1 loop
		execute format('drop schema as_of_%s cascade', segment);
		execute format('drop schema reported_as_of_%s cascade', segment);
	end loop;
	for of_table in select distinct c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname ~ '^history_\d+$' and c.relkind = 'r' loop
		execute format('alter table history.%I disable trigger only_by_trigger', of_table);
		execute format('insert into history.%1$I select distinct on (%2$s, valid_from) h.* from history.%1$I h order by %2$s, valid_from, valid_to desc on conflict do nothing', of_table,
			(select string_agg(quote_ident(a.attname), ', ') from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = of_table::text::regclass and i.indisprimary));
		execute format('alter table history.%I enable trigger only_by_trigger', of_table);
	end loop;
	for segment in select until from as_of.segments order by 1 loop
		execute format('drop schema history_%s cascade', segment);
	end loop;
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
		-- The revision is a subquery, so that it is found out once and not for every version that is looked at.
		definition := case
			when name = 'changesets' then 'select * from public.changesets where id <= (select current_setting(''parley.as_of'')::bigint)'
			when name = 'changes' then 'select * from public.changes where revision <= (select current_setting(''parley.as_of'')::bigint)'
			else format('select %s from history.%I
				where valid_from <= (select current_setting(''parley.as_of'')::bigint) and valid_to > (select current_setting(''parley.as_of'')::bigint)',
				(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped), name)
			end;
		execute format('create or replace view %I.%I as %s', in_schema, name, definition);
	end if;
	execute format('comment on view %I.%I is %L', in_schema, name, name || ' as it stood at the revision that parley.as_of names.');
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
create or replace function show_as_of(relation regclass) returns void language plpgsql as $$
begin
	perform show_past(relation, 'as_of');
	perform show_reported(relation, 'public');
	perform show_reported(relation, 'as_of');
end $$;
-- +goose StatementEnd

select show_as_of(c.oid) from readable_as_of() c(oid);
drop function close_due_segment(bigint, float8);
drop function close_segment(name, bigint);
drop function index_as(regclass, regclass);
drop table as_of.segments;
