-- The triggers that keep history, made for speed. What they do is as before; but each table has functions of its own, whose
-- statements PostgreSQL plans once a session and not once a call, and nothing is done for statements that touch no row. A
-- record's owner is looked at before it is written to. Sums are moved by what a statement changes, not made anew.

-- +goose Up
-- +goose StatementBegin
create function changeset_in_progress(op text, of_table text) returns bigint stable language plpgsql set enable_seqscan = off as $$
declare
	changeset constant bigint := nullif(current_setting('parley.changeset', true), '');
begin
	if not exists (select from public.changesets where id = changeset and transaction_id = pg_current_xact_id())
		or exists (select from regexp_matches(current_setting('parley.changesets', true), '=(\d+) ', 'g') m
			where not exists (select from public.changesets where id = m[1]::bigint and transaction_id = pg_current_xact_id())) then
		raise exception '% on % outside a changeset', op, of_table using
			errcode = 'insufficient_privilege',
			hint    = 'In the same transaction, first: insert into changesets (author, message) values (…)';
	end if;
	return changeset;
end $$;
-- +goose StatementEnd
comment on function changeset_in_progress is 'The changeset that this transaction writes under; an error if it has opened none.';

-- Several changesets may be one transaction, each on records of its own: parley.changesets then says which record is
-- written under which, as " id=revision id=revision ".
create function changeset_of(record text, changeset bigint) returns bigint stable language sql as
	$$ select coalesce(nullif(split_part(split_part(current_setting('parley.changesets', true), ' ' || record || '=', 2), ' ', 1), '')::bigint, changeset) $$;
comment on function changeset_of is 'Under which changeset a record is written: the given one, unless parley.changesets says otherwise.';

-- +goose StatementBegin
create or replace function stamp_revision() returns trigger language plpgsql set enable_seqscan = off as $$
begin
	new.revision := changeset_of(new.id, nullif(current_setting('parley.changeset', true), '')::bigint);
	if not exists (select from public.changesets where id = new.revision and transaction_id = pg_current_xact_id()) then
		perform changeset_in_progress(tg_op, tg_table_name); -- says what is wrong
	end if;
	return new;
end $$;
-- +goose StatementEnd

alter function open_changeset() set enable_seqscan = off;

-- +goose StatementBegin
create function keep_history_by_triggers(of_table regclass, owners jsonb) returns void language plpgsql as $$
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
		execute format('create trigger d_history_of_%1$s after %1$s on %2$s referencing %3$s for each statement execute function history.%4$I()',
			event.verb, of_table, event.tables, event.verb || '_of_' || name);
	end loop;
end $$;
-- +goose StatementEnd
comment on function keep_history_by_triggers is 'Makes and attaches the functions that end and begin versions, tell of changes and touch owners. Owners: for each column that names a record which a row is part of, the table of those records.';

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

-- The tables that there are. Who owns their rows stands in the arguments of the triggers that they had.
-- +goose StatementBegin
do $do$
declare
	t record;
	g record;
begin
	for t in
		select c.oid::regclass as of_table, (select coalesce(jsonb_object_agg(a.args[2], a.args[1]), '{}') from pg_trigger o,
			lateral (select string_to_array(encode(o.tgargs, 'escape'), '\000') as args) a
			where o.tgrelid = c.oid and o.tgfoid = 'touch_owner'::regproc and o.tgname like '%on_insert') as owners
		from pg_class c where exists (select from pg_trigger d where d.tgrelid = c.oid and d.tgfoid = 'record_history'::regproc)
	loop
		for g in select tgname from pg_trigger where tgrelid = t.of_table and tgfoid in ('record_history'::regproc, 'record_change'::regproc, 'touch_owner'::regproc, 'require_changeset'::regproc) loop
			execute format('drop trigger %I on %s', g.tgname, t.of_table);
		end loop;
		if t.of_table <> 'transfer_sums'::regclass then -- which is seen to below
			perform keep_history_by_triggers(t.of_table, t.owners);
		end if;
	end loop;
end $do$;
-- +goose StatementEnd
drop function record_history();
drop function record_change();
drop function touch_owner();
drop function require_changeset();

-- Figures: the same rules, by one pass over what is said.
-- +goose StatementBegin
create or replace function figure(own integer, own_qualifier report_qualifier, said statement[]) returns figure immutable parallel safe language plpgsql as $$
declare
	s        statement;
	given    boolean := false; -- somebody else gives the record's own value
	voices   text[]  := '{}';
	low      bigint; -- the least that anybody says, and the greatest of what each says is the least
	low_max  bigint;
	high     bigint;
	high_min bigint;
	firm_low bigint; -- the same with the slack of who says "about"
	firm_high bigint;
begin
	if own is null then
		return row(null, null, 'unknown')::figure;
	elsif coalesce(cardinality(said), 0) = 0 and own_qualifier in ('exactly', 'about') then -- most figures, made short work of
		return row(own, own, 'single_source')::figure;
	end if;
	-- A value of its own that nobody else gives is the record's own statement.
	foreach s in array coalesce(said, '{}') || row(own, own_qualifier, null)::statement loop
		if s.voice is null then
			exit when given;
			s.voice := '';
		end if;
		given    := given or s.value = own;
		voices   := case when s.voice = any(voices) then voices else voices || s.voice end;
		low      := least(low, least_of(s.value, s.qualifier));
		low_max  := greatest(low_max, least_of(s.value, s.qualifier));
		high     := greatest(high, most_of(s.value, s.qualifier));
		high_min := least(high_min, most_of(s.value, s.qualifier));
		firm_low  := greatest(firm_low, least_of(s.value, s.qualifier) - slack_of(s.value, s.qualifier));
		firm_high := least(firm_high, most_of(s.value, s.qualifier) + slack_of(s.value, s.qualifier));
	end loop;
	return row(
		-- A bound that leaves out what somebody says is none.
		case when high_min < low then null when low > 2147483647 then 2147483647 else low::integer end,
		case when low_max > high then null else high::integer end,
		case when firm_low > firm_high then 'disputed' when cardinality(voices) > 1 then 'agreed' else 'single_source' end)::figure;
end $$;
-- +goose StatementEnd

-- Figures stand otherwise when what is reported of them changes: the triggers of the figures find out how.
-- +goose StatementBegin
do $do$
declare
	event record;
	part  record;
	body  text;
begin
	for event in select * from (values
		('insert', 'new table as new_rows', 'select * from new_rows'),
		('update', 'old table as old_rows new table as new_rows', 'select * from new_rows union all select * from old_rows'),
		('delete', 'old table as old_rows', 'select * from old_rows')) e(verb, tables, touched)
	loop
		body := '';
		for part in select * from (values ('prisoner_exchange_transfers', 'prisoner_exchange', 'prisoner_exchange', 'transfers.%', 'position'),
			('body_repatriation_transfers', 'body_repatriation', 'body_repatriation', 'transfers.%', 'position'), ('commitment_targets', 'commitment', 'commitment', 'target.%', 'position'),
			('delegations', 'round', 'round', 'delegation_size.%', 'position'), ('rounds', 'id', 'round', 'duration_minutes', 'number')) p(of_table, owner, record, fields, same)
		loop
			body := body || format('
				if exists (select from (%1$s) r join %2$I f on f.%3$I = r.%4$I where r.field like %5$L) then
					update %2$I set %6$I = %6$I where %3$I in (select r.%4$I from (%1$s) r where r.field like %5$L);
				end if;', event.touched, part.of_table, part.owner, part.record, part.fields, part.same);
		end loop;
		execute format('create function figures_of_reports_%s() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
			begin%s
				return null;
			end $body$', event.verb, body);
		execute format('drop trigger f_figures_of_%s on reports', event.verb);
		execute format('create trigger f_figures_of_%1$s after %1$s on reports referencing %2$s for each statement execute function figures_of_reports_%1$s()', event.verb, event.tables);
	end loop;
end $do$;
-- +goose StatementEnd
drop function figures_of_reports();

-- Sums are moved by what statements change of the transfers: the triggers of the transfers write down what went out of the
-- sums and what came in, and at the end of the transaction, or of "set constraints all immediate", all of it is added at
-- once. All are sums and counts of integers, so that nothing is lost on the way; a property test holds them to
-- transfer_sums_computed.
create table transfer_moves (revision bigint not null, like transfer_sums);
create index transfer_moves_revision on transfer_moves (revision);
comment on table transfer_moves is 'By how much the changeset that is under way moves sums. Empty for everybody else.';


-- +goose StatementBegin
create function move_sums() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
	if current_setting('parley.moves') = 'none' then
		return null; -- another row has seen to them
	end if;
	perform set_config('parley.moves', 'none', true);
	with moves as (
		delete from transfer_moves where revision >= current_setting('parley.changeset')::bigint returning *
	), moved as (
		select revision, collection, span, starts_on, from_party, to_party, country, commitment, sum(records) as records, sum(unknown_count) as unknown_count,
			sum(unbounded_count) as unbounded_count, sum(total) as total, sum(total_low) as total_low, sum(total_high) as total_high
		from moves group by 1, 2, 3, 4, 5, 6, 7, 8
	), stood as (
		select m.*, coalesce(s.records, 0) + sum(m.records) over w as now_records, coalesce(s.unknown_count, 0) + sum(m.unknown_count) over w as now_unknown,
			coalesce(s.unbounded_count, 0) + sum(m.unbounded_count) over w as now_unbounded, coalesce(s.total, 0) + sum(m.total) over w as now_total,
			coalesce(s.total_low, 0) + sum(m.total_low) over w as now_low, coalesce(s.total_high, 0) + sum(m.total_high) over w as now_high,
			min(m.revision) over w as first, lead(m.revision) over w as next, s.records is not null as was
		from moved m left join transfer_sums s using (collection, span, starts_on, from_party, to_party, country, commitment)
		where (m.records, m.unknown_count, m.unbounded_count, m.total, m.total_low, m.total_high) <> (0, 0, 0, 0, 0, 0)
		window w as (partition by m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment order by m.revision)
	), undone as ( -- a version that began in this very changeset was never visible to anyone
		delete from only history.transfer_sums h using stood m
		where m.was and m.revision = m.first and h.valid_from = m.first and h.valid_to = 9223372036854775807
			and (h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment) = (m.collection, m.span, m.starts_on, m.from_party, m.to_party, m.country, m.commitment)
	), ended as (
		update only history.transfer_sums h set valid_to = m.first from stood m
		where m.was and m.revision = m.first and h.valid_from <> m.first and h.valid_to = 9223372036854775807
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
comment on function move_sums is 'Adds to the sums, and to their history, what is written down in transfer_moves.';
-- Whatever moves moves a month, and one call adds all: fewer rows need to call.
create constraint trigger move_sums after insert on transfer_moves deferrable initially deferred for each row when (new.span = 'month') execute function move_sums();
create trigger only_by_trigger before insert or update or delete or truncate on transfer_moves
	for each statement when (pg_trigger_depth() = 0) execute function refuse_write('sums are kept by the triggers of the transfers');
create trigger only_by_trigger before insert or update or delete or truncate on transfer_sums
	for each statement when (pg_trigger_depth() = 0) execute function refuse_write('sums are kept by the triggers of the transfers');

-- +goose StatementBegin
do $do$
declare
	k     record;
	moves text;
begin
	for k in select * from (values ('prisoner-exchanges', 'prisoner_exchanges', 'prisoner_exchange_transfers', 'prisoner_exchange'),
			('body-repatriations', 'body_repatriations', 'body_repatriation_transfers', 'body_repatriation')) c(collection, events, transfers, event),
		lateral (values (c.events, '%s e join ' || c.transfers || ' t on t.' || c.event || ' = e.id'), (c.transfers, '%s t join ' || c.events || ' e on e.id = t.' || c.event)) j(of_table, joined),
		(values ('insert', 'new table as new_rows', false, true), ('update', 'old table as old_rows new table as new_rows', true, true), ('delete', 'old table as old_rows', true, false)) v(verb, tables, gone, come)
	loop
		execute format('drop trigger g_sum_up_on_%s on %I', k.verb, k.of_table);
		select string_agg(format('select %s as sign, e.id, e.date, e.country, e.commitment, t.from_party, t.to_party, t.total, t.total_low, t.total_high from ' || k.joined, m.sign, m.moving), ' union all ')
			into moves from (values (-1, case when k.verb = 'delete' and k.of_table = k.events then '(select old.*)' else 'old_rows' end, k.gone), (1, 'new_rows', k.come)) m(sign, moving, moves) where m.moves;
		execute format('
			create function sums_of_%1$s_%2$s() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
			begin
				insert into transfer_moves
				select changeset_of(m.id, current_setting(''parley.changeset'')::bigint), %3$L, s.span, s.starts_on, m.from_party, m.to_party, coalesce(m.country::text, ''''), coalesce(m.commitment::text, ''''), sum(m.sign),
					coalesce(sum(m.sign) filter (where m.total is null), 0), coalesce(sum(m.sign) filter (where m.total_high is null), 0), coalesce(sum(m.sign * m.total::bigint), 0),
					coalesce(sum(m.sign * m.total_low::bigint) filter (where m.total is not null), 0), coalesce(sum(m.sign * m.total_high::bigint) filter (where m.total is not null), 0)
				from (%4$s) m, lateral (values (''day'', m.date), (''month'', date_trunc(''month'', m.date)::date)) s(span, starts_on)
				group by 1, 3, 4, 5, 6, 7, 8;
				perform set_config(''parley.moves'', ''some'', true);
				return %5$s;
			end $body$', k.of_table, k.verb, k.collection, moves, case when k.verb = 'delete' and k.of_table = k.events then 'old' else 'null' end);
		-- When an event is deleted, its transfers leave the sums before: afterwards nothing tells of which day they were.
		if k.verb = 'delete' and k.of_table = k.events then
			execute format('create trigger g_sums before delete on %1$I for each row execute function sums_of_%1$s_delete()', k.of_table);
		else
			execute format('create trigger g_sums_of_%1$s after %1$s on %2$I referencing %3$s for each statement execute function sums_of_%2$s_%1$s()', k.verb, k.of_table, k.tables);
		end if;
	end loop;
end $do$;
-- +goose StatementEnd
drop function sum_up_changes();
drop function sum_up(text, date[]);

-- A report is one record's: the indexes by the other three kinds of records need not hold it.
-- +goose StatementBegin
do $do$
declare
	owner text;
begin
	foreach owner in array '{round,commitment,prisoner_exchange,body_repatriation}'::text[] loop
		execute format('alter table reports drop constraint reports_%s_position_key', owner);
		execute format('create unique index reports_of_%1$s on reports (%1$I, position) where %1$I is not null', owner);
		execute format('drop index history.reports_%s_position_valid_from_valid_to_idx', owner);
		execute format('create index on history.reports (%1$I, position, valid_from, valid_to) where %1$I is not null', owner);
	end loop;
end $do$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
do $do$
declare
	owner text;
begin
	foreach owner in array '{round,commitment,prisoner_exchange,body_repatriation}'::text[] loop
		execute format('drop index reports_of_%s', owner);
		execute format('alter table reports add constraint reports_%1$s_position_key unique (%1$I, position) deferrable', owner);
		execute format('drop index history.reports_%s_position_valid_from_valid_to_idx', owner);
		execute format('create index on history.reports (%1$I, position, valid_from, valid_to)', owner);
	end loop;
end $do$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function stamp_revision() returns trigger language plpgsql as $$
begin
	new.revision := current_setting('parley.changeset')::bigint;
	return new;
end $$;

create or replace function require_changeset() returns trigger language plpgsql as $$
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

create or replace function record_change() returns trigger language plpgsql as $$
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

create or replace function touch_owner() returns trigger language plpgsql as $$
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

create or replace function keep_history(
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

create or replace function figure(own integer, own_qualifier report_qualifier, said statement[]) returns figure immutable parallel safe language plpgsql as $$
begin
	if own is null then
		return row(null, null, 'unknown')::figure;
	elsif coalesce(cardinality(said), 0) = 0 and own_qualifier in ('exactly', 'about') then -- most figures, made short work of
		return row(own, own, 'single_source')::figure;
	end if;
	return (
		select row(
			-- A bound that leaves out what somebody says is none.
			case when min(most_of(value, qualifier)) < min(least_of(value, qualifier)) then null
				when min(least_of(value, qualifier)) > 2147483647 then 2147483647 else min(least_of(value, qualifier))::integer end,
			case when max(least_of(value, qualifier)) > max(most_of(value, qualifier)) then null else max(most_of(value, qualifier))::integer end, case
			when max(least_of(value, qualifier) - slack_of(value, qualifier)) > min(most_of(value, qualifier) + slack_of(value, qualifier)) then 'disputed'
			when count(distinct voice) > 1 then 'agreed'
			else 'single_source' end)::figure
		from (select * from unnest(said)
			-- A value of its own that nobody else gives is the record's own statement.
			union all select own, own_qualifier, '' where not exists (select from unnest(said) where value = own)) s(value, qualifier, voice));
end $$;

create or replace function figures_of_reports() returns trigger language plpgsql as $$
declare
	part record;
begin
	-- The triggers above find out; a row whose figures stand as they stood is not touched.
	for part in select * from (values ('prisoner_exchange_transfers', 'prisoner_exchange', 'prisoner_exchange', 'transfers.%', 'position'),
		('body_repatriation_transfers', 'body_repatriation', 'body_repatriation', 'transfers.%', 'position'), ('commitment_targets', 'commitment', 'commitment', 'target.%', 'position'),
		('delegations', 'round', 'round', 'delegation_size.%', 'position'), ('rounds', 'id', 'round', 'duration_minutes', 'number')) p(of_table, owner, record, fields, same)
	loop
		execute format('update %1$I set %2$I = %2$I where %3$I in (' || case tg_op
			when 'INSERT' then 'select %4$I from new_rows where field like %5$L'
			when 'DELETE' then 'select %4$I from old_rows where field like %5$L'
			else 'select %4$I from new_rows where field like %5$L union select %4$I from old_rows where field like %5$L' end || ')',
			part.of_table, part.same, part.owner, part.record, part.fields);
	end loop;
	return null;
end $$;

create or replace function sum_up(of_collection text, days date[]) returns void language plpgsql as $$
begin
	with fresh as materialized (
		select * from transfer_sums_anew where collection = of_collection and starts_on = any(days)
	), gone as (
		delete from transfer_sums s where s.collection = of_collection and s.span = 'day' and s.starts_on = any(days)
			and (s.starts_on, s.from_party, s.to_party, s.country, s.commitment) not in (select f.starts_on, f.from_party, f.to_party, f.country, f.commitment from fresh f)
	)
	insert into transfer_sums select * from fresh on conflict (collection, span, starts_on, from_party, to_party, country, commitment) do update set
		records = excluded.records, unknown_count = excluded.unknown_count, unbounded_count = excluded.unbounded_count, total = excluded.total, total_low = excluded.total_low, total_high = excluded.total_high;

	with fresh as materialized (
		select s.collection, 'month' as span, date_trunc('month', s.starts_on)::date as starts_on, s.from_party, s.to_party, s.country, s.commitment,
			sum(s.records), sum(s.unknown_count), sum(s.unbounded_count), sum(s.total), sum(s.total_low), sum(s.total_high)
		from (select distinct date_trunc('month', day)::date as first from unnest(days) day) m
		join transfer_sums s on s.collection = of_collection and s.span = 'day' and s.starts_on >= m.first and s.starts_on < m.first + interval '1 month'
		group by 1, 3, 4, 5, 6, 7
	), gone as (
		delete from transfer_sums s where s.collection = of_collection and s.span = 'month' and s.starts_on in (select date_trunc('month', day)::date from unnest(days) day)
			and (s.starts_on, s.from_party, s.to_party, s.country, s.commitment) not in (select f.starts_on, f.from_party, f.to_party, f.country, f.commitment from fresh f)
	)
	insert into transfer_sums select * from fresh on conflict (collection, span, starts_on, from_party, to_party, country, commitment) do update set
		records = excluded.records, unknown_count = excluded.unknown_count, unbounded_count = excluded.unbounded_count, total = excluded.total, total_low = excluded.total_low, total_high = excluded.total_high;
end $$;

create or replace function sum_up_changes() returns trigger language plpgsql as $$
declare
	-- The table of the events, and SQL for the days of theirs that a statement touched.
	events constant text := replace(tg_argv[0], '-', '_');
	days   date[];
begin
	execute format('select array_agg(distinct date) from (' || case
		when tg_table_name <> events and tg_op = 'DELETE' then 'select e.date from %1$I e where e.id in (select %2$I from old_rows)'
		when tg_table_name <> events and tg_op = 'UPDATE' then 'select e.date from %1$I e where e.id in (select %2$I from new_rows union select %2$I from old_rows)'
		when tg_table_name <> events then 'select e.date from %1$I e where e.id in (select %2$I from new_rows)'
		when tg_op = 'DELETE' then 'select date from old_rows'
		when tg_op = 'UPDATE' then 'select date from new_rows union select date from old_rows'
		else 'select date from new_rows' end || ') d', events, tg_argv[1]) into days;
	if days is not null then
		perform sum_up(tg_argv[0], days);
	end if;
	return null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
do $do$
declare
	t     record;
	event record;
	owner record;
begin
	for event in select * from (values ('insert', 'new table as new_rows'), ('update', 'old table as old_rows new table as new_rows'), ('delete', 'old table as old_rows')) e(verb, tables) loop
		execute format('create or replace trigger f_figures_of_%1$s after %1$s on reports referencing %2$s for each statement execute function figures_of_reports()', event.verb, event.tables);
		execute format('drop function figures_of_reports_%s()', event.verb);
		for t in select * from (values ('prisoner_exchanges', 'prisoner-exchanges', '', true), ('prisoner_exchange_transfers', 'prisoner-exchanges', 'prisoner_exchange', false),
			('body_repatriations', 'body-repatriations', '', true), ('body_repatriation_transfers', 'body-repatriations', 'body_repatriation', false)) k(of_table, collection, record, events)
		loop
			execute format('drop function sums_of_%s_%s() cascade', t.of_table, event.verb);
			execute format('create trigger g_sum_up_on_%1$s after %1$s on %2$s referencing %3$s for each statement execute function sum_up_changes(%4$L, %5$L)',
				event.verb, t.of_table, event.tables, t.collection, t.record);
		end loop;
		for t in
			select c.oid::regclass as of_table, c.relname as name, exists (select from pg_attribute where attrelid = c.oid and attname = 'revision' and not attisdropped) as versioned,
				(select string_agg(format('h.%1$I = o.%1$I', a.attname), ' and ' order by a.attnum)
					from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary) as same_key
			from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and to_regproc(format('history.%I', 'insert_of_' || c.relname)) is not null
				and exists (select from pg_trigger where tgrelid = c.oid and tgname = 'd_history_of_' || event.verb)
		loop
			execute format('create or replace trigger d_history_of_%1$s after %1$s on %2$s referencing %3$s for each statement execute function record_history(%4$L)',
				event.verb, t.of_table, event.tables, t.same_key);
			if t.versioned then
				execute format('create trigger d_change_of_%1$s after %1$s on %2$s referencing %3$s for each statement execute function record_change()', event.verb, t.of_table, event.tables);
			end if;
			for owner in select f.confrelid::regclass as owners, a.attname as owner, row_number() over (order by f.conkey) = 1 as first
				from pg_constraint f join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1] where f.conrelid = t.of_table and f.contype = 'f' and f.confdeltype = 'c'
			loop
				execute format('create trigger %I after %s on %s referencing %s for each statement execute function touch_owner(%L, %L)',
					case when owner.first then 'e_touch_owner_on_' else 'e_touch_' || owner.owners || '_on_' end || event.verb, event.verb, t.of_table, event.tables, owner.owners, owner.owner);
			end loop;
			execute format('create or replace trigger a_require_changeset before insert or update or delete on %s for each statement execute function require_changeset()', t.of_table);
		end loop;
	end loop;
	for t in select p.oid::regprocedure as trigger_function from pg_proc p where p.pronamespace = 'history'::regnamespace loop
		execute format('drop function %s', t.trigger_function);
	end loop;
end $do$;
-- +goose StatementEnd
alter function open_changeset() reset enable_seqscan;
drop table transfer_moves;
drop function move_sums();
drop function changeset_of(text, bigint);
drop function keep_history_by_triggers(regclass, jsonb);
drop function changeset_in_progress(text, text);
