-- Writing less for each record. Totals need the sums by month only: of a month that is asked for in part, the transfers are
-- added up. So there are no sums by day any more, which were almost as many as the transfers, each with a version in
-- history; and what is written down of moves needs no log, because no other transaction reads it and none leaves any.

-- +goose Up
create or replace view transfer_sums_computed as
	select collection, 'month' as span, date_trunc('month', starts_on)::date as starts_on, from_party, to_party, country, commitment,
		sum(records)::bigint as records, sum(unknown_count)::bigint as unknown_count, sum(unbounded_count)::bigint as unbounded_count, sum(total)::bigint as total,
		sum(total_low)::bigint as total_low, sum(total_high)::bigint as total_high
	from transfer_sums_anew group by collection, date_trunc('month', starts_on), from_party, to_party, country, commitment;
select show_as_of('transfer_sums_computed');

create or replace view compared_totals as
	select p.*, s.records_total, s.records, s.unknown_count, p.value - s.records_total as difference
	from published_totals p
	-- The months that lie within the scope as a whole: from the first day of the first to before another.
	cross join lateral (select (date_trunc('month', p.scope_from - 1) + interval '1 month')::date as first, date_trunc('month', p.date + 1)::date as next) whole
	left join lateral (
		select coalesce(sum(d.total), 0)::bigint as records_total, coalesce(sum(d.records), 0)::bigint as records, coalesce(sum(d.unknown_count), 0)::bigint as unknown_count
		from (
			select collection, from_party, to_party, total, records, unknown_count from transfer_sums where span = 'month' and starts_on >= whole.first and starts_on < whole.next
			union all
			select collection, from_party, to_party, coalesce(total, 0), 1, (total is null)::int from transfers
				where date between p.scope_from and p.date and (date < whole.first or date >= whole.next)
		) d
		where d.collection = case p.kind when 'prisoners' then 'prisoner-exchanges' else 'body-repatriations' end
		and (p.from_party is null or d.from_party = p.from_party and d.to_party = p.to_party)) s on true;
select show_as_of('compared_totals');

-- One row calls for all that a statement writes down.
drop trigger move_sums on transfer_moves;
alter table transfer_moves set unlogged;
alter table transfer_moves add column calls boolean not null default false;
comment on column transfer_moves.calls is 'Whether this row is the one of its statement that has the sums moved.';
create constraint trigger move_sums after insert on transfer_moves deferrable initially deferred for each row when (new.calls) execute function move_sums();

-- +goose StatementBegin
do $do$
declare
	k     record;
	moves text;
begin
	for k in select * from (values ('prisoner-exchanges', 'prisoner_exchanges', 'prisoner_exchange_transfers', 'prisoner_exchange'),
			('body-repatriations', 'body_repatriations', 'body_repatriation_transfers', 'body_repatriation')) c(collection, events, transfers, event),
		lateral (values (c.events, '%s e join ' || c.transfers || ' t on t.' || c.event || ' = e.id'), (c.transfers, '%s t join ' || c.events || ' e on e.id = t.' || c.event)) j(of_table, joined),
		(values ('insert', false, true), ('update', true, true), ('delete', true, false)) v(verb, gone, come)
	loop
		select string_agg(format('select %s as sign, e.id, e.date, e.country, e.commitment, t.from_party, t.to_party, t.total, t.total_low, t.total_high from ' || k.joined, m.sign, m.moving), ' union all ')
			into moves from (values (-1, case when k.verb = 'delete' and k.of_table = k.events then '(select old.*)' else 'old_rows' end, k.gone), (1, 'new_rows', k.come)) m(sign, moving, moves) where m.moves;
		execute format('
			create or replace function sums_of_%1$s_%2$s() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
			begin
				%6$s
				perform set_config(''parley.moves'', ''some'', true);
				insert into transfer_moves
				select changeset_of(m.id, current_setting(''parley.changeset'')::bigint), %3$L, ''month'', date_trunc(''month'', m.date)::date, m.from_party, m.to_party, coalesce(m.country::text, ''''), coalesce(m.commitment::text, ''''), sum(m.sign),
					coalesce(sum(m.sign) filter (where m.total is null), 0), coalesce(sum(m.sign) filter (where m.total_high is null), 0), coalesce(sum(m.sign * m.total::bigint), 0),
					coalesce(sum(m.sign * m.total_low::bigint) filter (where m.total is not null), 0), coalesce(sum(m.sign * m.total_high::bigint) filter (where m.total is not null), 0), row_number() over () = 1
				from (%4$s) m
				group by 1, 4, 5, 6, 7, 8;
				return %5$s;
			end $body$', k.of_table, k.verb, k.collection, moves, case when k.verb = 'delete' and k.of_table = k.events then 'old' else 'null' end,
			case when k.verb = 'delete' and k.of_table = k.events then '' else format('if not exists (select from %s) then return null; end if;', case
				when k.of_table = k.transfers then case k.verb when 'delete' then 'old_rows' else 'new_rows' end
				when k.verb = 'update' then 'new_rows'
				else format('new_rows e join %I t on t.%I = e.id', k.transfers, k.event) end) end); -- an event without transfers moves nothing
	end loop;
end $do$;
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

-- Whether the changeset is one of this transaction is asked once a statement, where its versions are written.
-- +goose StatementBegin
create or replace function stamp_revision() returns trigger language plpgsql as $$
begin
	new.revision := changeset_of(new.id, nullif(current_setting('parley.changeset', true), '')::bigint);
	if new.revision is null then
		perform changeset_in_progress(tg_op, tg_table_name); -- says what is wrong
	end if;
	return new;
end $$;
-- +goose StatementEnd
alter function stamp_revision() reset enable_seqscan;

-- How a figure stands of which nobody else says anything is told without asking.
-- +goose StatementBegin
create or replace function figures_of_exchange() returns trigger language plpgsql as $$
declare
	way  constant text := 'transfers.' || new.from_party || '-' || new.to_party;
	said record;
	f    figure;
begin
	select array_agg(s) filter (where field = way || '.total') as total, array_agg(s) filter (where field = way || '.pows') as pows,
		array_agg(s) filter (where field = way || '.civilians') as civilians into said
		from (select field, row(value_number, qualifier, coalesce(party, source))::statement as s from reports where prisoner_exchange = new.prisoner_exchange) r;
	if said.total is null then
		new.total_low := new.total; new.total_high := new.total; new.total_status := case when new.total is null then 'unknown' else 'single_source' end;
	else
		f := figure(new.total, 'exactly', said.total);
		new.total_low := f.low; new.total_high := f.high; new.total_status := f.status;
	end if;
	if said.pows is null then
		new.pows_low := new.pows; new.pows_high := new.pows; new.pows_status := case when new.pows is null then 'unknown' else 'single_source' end;
	else
		f := figure(new.pows, 'exactly', said.pows);
		new.pows_low := f.low; new.pows_high := f.high; new.pows_status := f.status;
	end if;
	if said.civilians is null then
		new.civilians_low := new.civilians; new.civilians_high := new.civilians; new.civilians_status := case when new.civilians is null then 'unknown' else 'single_source' end;
	else
		f := figure(new.civilians, 'exactly', said.civilians);
		new.civilians_low := f.low; new.civilians_high := f.high; new.civilians_status := f.status;
	end if;
	return new;
end $$;
-- +goose StatementEnd

-- A revision is stamped by triggers, which make sure that it is a changeset of this very transaction, and changesets stay: to
-- look each of them up once more finds nothing.
-- +goose StatementBegin
do $do$
declare
	k record;
begin
	for k in select conrelid::regclass as of_table, conname from pg_constraint
		where contype = 'f' and confrelid = 'changesets'::regclass
	loop
		execute format('alter table %s drop constraint %I', k.of_table, k.conname);
	end loop;
end $do$;
-- +goose StatementEnd

-- The sums by day go. Nothing that anybody recorded changes by that.
-- contract: no program that was released reads them, and the commit before this no longer did.
-- +goose StatementBegin
do $do$
begin
	alter table transfer_sums disable trigger user;
	alter table history.transfer_sums disable trigger user;
	delete from transfer_sums where span = 'day';
	delete from history.transfer_sums where span = 'day';
	alter table transfer_sums enable trigger user;
	alter table history.transfer_sums enable trigger user;
end $do$;
-- +goose StatementEnd
comment on table transfer_sums is 'Sums of transfers by month: of those that have a figure.';

-- +goose Down
-- +goose StatementBegin
do $do$
declare
	of_table regclass;
begin
	for of_table in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attname = 'revision'
		where n.nspname = 'public' and c.relkind = 'r' and not a.attisdropped and c.relname not in ('transfer_moves', 'idempotency_keys')
	loop
		execute format('alter table %s add constraint %I foreign key (revision) references changesets', of_table, of_table || '_revision_fkey');
	end loop;
end $do$;
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

-- +goose StatementBegin
create or replace function figures_of_exchange() returns trigger language plpgsql as $$
declare
	way  constant text := 'transfers.' || new.from_party || '-' || new.to_party;
	said record;
	f    figure;
begin
	select array_agg(s) filter (where field = way || '.total') as total, array_agg(s) filter (where field = way || '.pows') as pows,
		array_agg(s) filter (where field = way || '.civilians') as civilians into said
		from (select field, row(value_number, qualifier, coalesce(party, source))::statement as s from reports where prisoner_exchange = new.prisoner_exchange) r;
	f := figure(new.total, 'exactly', said.total);
	new.total_low := f.low; new.total_high := f.high; new.total_status := f.status;
	f := figure(new.pows, 'exactly', said.pows);
	new.pows_low := f.low; new.pows_high := f.high; new.pows_status := f.status;
	f := figure(new.civilians, 'exactly', said.civilians);
	new.civilians_low := f.low; new.civilians_high := f.high; new.civilians_status := f.status;
	return new;
end $$;
-- +goose StatementEnd

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

drop trigger move_sums on transfer_moves;
alter table transfer_moves drop column calls;
alter table transfer_moves set logged;
create constraint trigger move_sums after insert on transfer_moves deferrable initially deferred for each row when (new.span = 'month') execute function move_sums();

-- +goose StatementBegin
do $do$
declare
	k     record;
	moves text;
begin
	for k in select * from (values ('prisoner-exchanges', 'prisoner_exchanges', 'prisoner_exchange_transfers', 'prisoner_exchange'),
			('body-repatriations', 'body_repatriations', 'body_repatriation_transfers', 'body_repatriation')) c(collection, events, transfers, event),
		lateral (values (c.events, '%s e join ' || c.transfers || ' t on t.' || c.event || ' = e.id'), (c.transfers, '%s t join ' || c.events || ' e on e.id = t.' || c.event)) j(of_table, joined),
		(values ('insert', false, true), ('update', true, true), ('delete', true, false)) v(verb, gone, come)
	loop
		select string_agg(format('select %s as sign, e.id, e.date, e.country, e.commitment, t.from_party, t.to_party, t.total, t.total_low, t.total_high from ' || k.joined, m.sign, m.moving), ' union all ')
			into moves from (values (-1, case when k.verb = 'delete' and k.of_table = k.events then '(select old.*)' else 'old_rows' end, k.gone), (1, 'new_rows', k.come)) m(sign, moving, moves) where m.moves;
		execute format('
			create or replace function sums_of_%1$s_%2$s() returns trigger language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
			begin
				perform set_config(''parley.moves'', ''some'', true);
				insert into transfer_moves
				select changeset_of(m.id, current_setting(''parley.changeset'')::bigint), %3$L, s.span, s.starts_on, m.from_party, m.to_party, coalesce(m.country::text, ''''), coalesce(m.commitment::text, ''''), sum(m.sign),
					coalesce(sum(m.sign) filter (where m.total is null), 0), coalesce(sum(m.sign) filter (where m.total_high is null), 0), coalesce(sum(m.sign * m.total::bigint), 0),
					coalesce(sum(m.sign * m.total_low::bigint) filter (where m.total is not null), 0), coalesce(sum(m.sign * m.total_high::bigint) filter (where m.total is not null), 0)
				from (%4$s) m, lateral (values (''day'', m.date), (''month'', date_trunc(''month'', m.date)::date)) s(span, starts_on)
				group by 1, 3, 4, 5, 6, 7, 8;
				return %5$s;
			end $body$', k.of_table, k.verb, k.collection, moves, case when k.verb = 'delete' and k.of_table = k.events then 'old' else 'null' end);
	end loop;
end $do$;
-- +goose StatementEnd

create or replace view transfer_sums_computed as
	select * from transfer_sums_anew
union all
	select collection, 'month', date_trunc('month', starts_on)::date, from_party, to_party, country, commitment,
		sum(records)::bigint, sum(unknown_count)::bigint, sum(unbounded_count)::bigint, sum(total)::bigint, sum(total_low)::bigint, sum(total_high)::bigint
	from transfer_sums_anew group by collection, date_trunc('month', starts_on), from_party, to_party, country, commitment;
select show_as_of('transfer_sums_computed');

create or replace view compared_totals as
	select p.*, s.records_total, s.records, s.unknown_count, p.value - s.records_total as difference
	from published_totals p left join lateral (
		select coalesce(sum(d.total), 0)::bigint as records_total, coalesce(sum(d.records), 0)::bigint as records, coalesce(sum(d.unknown_count), 0)::bigint as unknown_count
		from transfer_sums d
		where d.collection = case p.kind when 'prisoners' then 'prisoner-exchanges' else 'body-repatriations' end and d.span = 'day' and d.starts_on between p.scope_from and p.date
		and (p.from_party is null or d.from_party = p.from_party and d.to_party = p.to_party)) s on true;
select show_as_of('compared_totals');

-- +goose StatementBegin
do $do$
declare
	n record;
begin
	alter table transfer_sums disable trigger user;
	alter table history.transfer_sums disable trigger user;
	insert into transfer_sums select * from transfer_sums_anew;
	for n in select id from changesets order by id loop
		perform set_config('parley.as_of', n.id::text, true);
		update history.transfer_sums h set valid_to = n.id where span = 'day' and valid_to = 9223372036854775807
			and not exists (select from as_of.transfer_sums_anew c where c = row(h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment,
				h.records, h.unknown_count, h.unbounded_count, h.total, h.total_low, h.total_high)::transfer_sums_anew);
		insert into history.transfer_sums select n.id, 9223372036854775807, c.* from as_of.transfer_sums_anew c
			where not exists (select from history.transfer_sums h where h.valid_to = 9223372036854775807 and (h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment)
				= (c.collection, c.span, c.starts_on, c.from_party, c.to_party, c.country, c.commitment));
	end loop;
	alter table transfer_sums enable trigger user;
	alter table history.transfer_sums enable trigger user;
end $do$;
-- +goose StatementEnd
comment on table transfer_sums is 'Sums of transfers by day, and by month: of those that have a figure.';
