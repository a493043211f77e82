-- Whom the program is to the database: parley_reader may read what is public, and nothing else; parley_writer may record
-- changesets besides, and see to webhooks, but neither make keys nor change a table. The program takes these roles on for
-- what it does (SET ROLE); what migrates owns everything. Roles belong to the server, not to the database: several databases
-- share them, and may be migrated at once. Whoever migrates need not be allowed to make roles: then the program serves as
-- the owner, and says so, until somebody makes them.

-- +goose Up
-- +goose StatementBegin
create function make_roles() returns boolean language plpgsql as $$
declare
	-- From PostgreSQL 16 on, who is a member need not be allowed to take the role on.
	membership constant text := case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end;
	wanted     name;
begin
	foreach wanted in array array['parley_reader', 'parley_writer'] loop
		for attempt in 1..20 loop
			begin
				if not exists (select from pg_roles where rolname = wanted) then
					execute format('create role %I nologin', wanted);
				end if;
				if not pg_has_role(current_user, wanted, membership) then
					execute format('grant %I to current_user', wanted);
				end if;
				exit;
			exception
				when duplicate_object or unique_violation then
					null; -- another database of the server has just made it
				when insufficient_privilege then
					return false;
				when internal_error then -- "tuple concurrently updated": another one is just made a member
					if attempt = 20 then
						raise;
					end if;
					perform pg_sleep(0.05);
			end;
		end loop;
	end loop;
	return true;
end $$;

create function share_out() returns void language plpgsql set search_path = public, pg_temp as $$
declare
	s name;
	t record;
begin
	for s in select nspname from pg_namespace where nspname ~ '^(public|kept|river|reported|(history|as_of|reported_as_of)(_\d+)?)$' loop
		execute format('grant usage on schema %I to parley_writer', s);
		if s <> 'river' then
			execute format('grant usage on schema %I to parley_reader', s);
		end if;
		for t in select c.oid::regclass as name, c.relkind as kind from pg_class c
			where c.relnamespace = s::regnamespace and c.relkind in ('r', 'v', 'S') and pg_has_role(c.relowner, 'usage') loop
			if t.kind = 'S' then
				execute format('grant usage on sequence %s to parley_writer', t.name);
				continue;
			end if;
			execute format('grant select on %s to parley_writer', t.name);
			if s <> 'river' then
				execute format('grant select on %s to parley_reader', t.name);
			end if;
			if t.kind = 'r' then
				execute format('grant insert, update, delete on %s to parley_writer', t.name);
			end if;
		end loop;
	end loop;
	-- What is made later, by migrations and by cuts of history.
	alter default privileges grant usage on schemas to parley_reader, parley_writer;
	alter default privileges grant select on tables to parley_reader, parley_writer;
	alter default privileges grant insert, update, delete on tables to parley_writer;
	alter default privileges grant usage on sequences to parley_writer;

	-- Secrets are not for readers, and keys are not for the program to make. What was recorded is added to, and not changed.
	revoke all on api_keys, idempotency_keys, webhooks from parley_reader;
	revoke insert, update, delete on api_keys from parley_writer;
	grant update (last_used_at) on api_keys to parley_writer;
	revoke update, delete on changesets from parley_writer;
	revoke insert, update, delete on as_of.segments from parley_writer;
	if pg_has_role((select relowner from pg_class where oid = to_regclass('goose_db_version')), 'usage') then
		revoke insert, update, delete on goose_db_version from parley_writer;
	end if;
	-- What only an owner may is done on behalf of the writer.
	grant execute on function close_due_segment(bigint, float8), analyze_written(name[]) to parley_writer;
end $$;
-- +goose StatementEnd
comment on function make_roles is 'Makes parley_reader and parley_writer where they are not, and whoever calls it a member. False: that is not allowed.';
comment on function share_out is 'Gives parley_reader and parley_writer the rights that they are to have, on what there is and on what will be.';

alter function close_due_segment(bigint, float8) security definer;
alter function close_due_segment(bigint, float8) set search_path = public, pg_temp;

-- +goose StatementBegin
create function analyze_written(tables name[]) returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
	written name;
begin
	foreach written in array tables loop
		execute format('analyze public.%I', written);
		if to_regclass(format('history.%I', written)) is not null then
			execute format('analyze history.%I', written);
		end if;
	end loop;
end $$;
-- +goose StatementEnd
comment on function analyze_written is 'Tells the planner how large tables have become that were written to, and their history: only their owner may, on behalf of the writer.';

revoke execute on function close_due_segment(bigint, float8), analyze_written(name[]) from public;
-- +goose StatementBegin
do $$
begin
	if make_roles() then
		perform share_out();
	end if;
end $$;
-- +goose StatementEnd

-- +goose Down
-- The roles themselves stay: other databases may have them too.
-- +goose StatementBegin
do $$
begin
	if make_roles() then
		drop owned by parley_reader, parley_writer;
	end if;
end $$;
-- +goose StatementEnd
alter function close_due_segment(bigint, float8) security invoker;
alter function close_due_segment(bigint, float8) reset search_path;
grant execute on function close_due_segment(bigint, float8) to public;
drop function analyze_written(name[]);
drop function share_out();
drop function make_roles();
