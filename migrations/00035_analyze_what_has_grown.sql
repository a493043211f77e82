-- +goose Up
-- The planner is told how large a table has become by the changeset that made it twice as large or more, whatever the size of that
-- changeset. Until now only a batch of more than 50,000 records told it; after some smaller ones in succession, statements were
-- still carried out as for a table of a few pages, until autovacuum came by: a million comparisons for each record that is written.

-- +goose StatementBegin
create or replace function analyze_written(tables name[]) returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
	grown regclass;
begin
	for grown in
		select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname in ('public', 'ended') and c.relname = any(tables) and c.relkind = 'r'
			-- Of a table that nobody has looked at yet, the planner thinks that it has ten pages.
			and pg_relation_size(c.oid) / current_setting('block_size')::bigint > 2 * greatest(c.relpages, 10)::bigint
	loop
		execute format('analyze %s', grown);
	end loop;
end $$;
-- +goose StatementEnd
comment on function analyze_written is 'Tells the planner how large those of some tables that were written to, and of what ended in them, have become that are twice as large as it knows: only their owner may, on behalf of the writer.';

-- +goose Down
-- +goose StatementBegin
create or replace function analyze_written(tables name[]) returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
	written name;
begin
	foreach written in array tables loop
		execute format('analyze public.%I', written);
		if to_regclass(format('ended.%I', written)) is not null then
			execute format('analyze ended.%I', written);
		end if;
	end loop;
end $$;
-- +goose StatementEnd
comment on function analyze_written is 'Tells the planner how large tables have become that were written to, and their history: only their owner may, on behalf of the writer.';
