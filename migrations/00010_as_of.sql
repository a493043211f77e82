-- Reading the past: the schema "as_of" has every table as it stood at one revision, under the same names. A transaction
-- reads that moment with the very same statements, after
--
--   set local search_path = as_of, public;
--   set local parley.as_of = 42;
--
-- A new table or view joins in by one call of read_as_of(), made when its indexes are there.

-- +goose Up
create schema as_of;
comment on schema as_of is 'Every table as it stood at the revision that parley.as_of names, for whoever puts this schema first in the search path.';

-- +goose StatementBegin
create function read_as_of(relation regclass) returns void language plpgsql set search_path = public as $$
declare
	name    constant name := (select relname from pg_class where oid = relation);
	columns constant text := (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
		where attrelid = relation and attnum > 0 and not attisdropped);
	index   record;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		-- The same definition over the tables of the past, which come first while it is made.
		declare definition constant text := pg_get_viewdef(relation);
		begin
			perform set_config('search_path', 'as_of, public', true);
			execute format('create view as_of.%I as %s', name, definition);
			perform set_config('search_path', 'public', true);
		end;
	elsif name = 'changesets' then
		create view as_of.changesets as select * from public.changesets where id <= (select current_setting('parley.as_of')::bigint);
	elsif name = 'changes' then
		create view as_of.changes as select * from public.changes where revision <= (select current_setting('parley.as_of')::bigint);
	else
		-- The revision is a subquery, so that it is found out once and not for every version that is looked at.
		execute format('create view as_of.%I as select %s from history.%1$I
			where valid_from <= (select current_setting(''parley.as_of'')::bigint) and valid_to > (select current_setting(''parley.as_of'')::bigint)', name, columns);
		-- What is looked up by index now is looked up by index then: versions that are not of the moment are passed over
		-- within the index.
		for index in
			select pg_get_indexdef(i.indexrelid) as definition, a.amname
			from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
			where i.indrelid = relation and not i.indisprimary
		loop
			execute format('create index on history.%I using %s%s', name,
				regexp_replace(substring(index.definition from ' USING (.*)\)$'), ' INCLUDE .*', ''),
				case index.amname when 'btree' then ', valid_from, valid_to)' else ')' end);
		end loop;
	end if;
	execute format('comment on view as_of.%I is %L', name, name || ' as it stood at the revision that parley.as_of names.');
end $$;
-- +goose StatementEnd
comment on function read_as_of is 'Lets a table or a view be read as it stood at a past revision.';

-- +goose StatementBegin
do $$
declare
	relation regclass;
begin
	for relation in
		select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and (c.relkind = 'v' or c.relkind = 'r' and (c.relname in ('changesets', 'changes') or to_regclass('history.' || c.relname) is not null))
		order by c.relkind, c.oid -- tables before the views over them
	loop
		perform read_as_of(relation);
	end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
do $$
declare
	index regclass;
begin
	for index in
		select i.indexrelid from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'history' and not i.indisprimary
	loop
		execute format('drop index %s', index);
	end loop;
end $$;
-- +goose StatementEnd
drop function read_as_of(regclass);
drop schema as_of cascade;
