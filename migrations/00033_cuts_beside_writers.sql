-- History is cut while others write: they wait only for what has moved to be taken out of the open part and for the views.

-- +goose Up
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

-- +goose Down
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
