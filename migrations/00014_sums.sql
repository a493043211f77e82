-- Sums of what exchanges and repatriations brought, by day and by month: so that totals need not add up every transfer.
-- They are kept by triggers in the changeset that changes what they are made of, and have a history like everything else.
-- A day is made anew from its events whenever one of them changes, so that no error can add up.

-- +goose Up
create table transfer_sums (
	collection      text     not null collate "C" check (collection in ('prisoner-exchanges', 'body-repatriations')),
	span            text     not null collate "C" check (span in ('day', 'month')),
	starts_on       date     not null check (span = 'day' or extract(day from starts_on) = 1),
	from_party      party_id not null,
	to_party        party_id not null,
	country         text     not null collate "C",
	commitment      text     not null collate "C",
	records         bigint   not null check (records > 0),
	unknown_count   bigint   not null check (unknown_count between 0 and records),
	unbounded_count bigint   not null check (unbounded_count between unknown_count and records),
	total           bigint   not null check (total >= 0),
	total_low       bigint   not null check (total_low >= 0),
	total_high      bigint   not null check (total_high >= 0),
	primary key (collection, span, starts_on, from_party, to_party, country, commitment)
);
comment on table  transfer_sums is 'Sums of transfers by day, and by month: of those that have a figure.';
comment on column transfer_sums.country is 'Empty: unknown, or on the border of two countries.';
comment on column transfer_sums.commitment is 'Empty: counts towards none.';
comment on column transfer_sums.records is 'Transfers: events with one in this direction.';
comment on column transfer_sums.unknown_count is 'Those without a figure.';
comment on column transfer_sums.unbounded_count is 'Those of which nobody says how many at the most; the unknown are among them.';
select keep_history('transfer_sums');

create view transfers as
	select 'prisoner-exchanges' as collection, e.id::text as record, e.date, t.from_party, t.to_party, e.country, e.commitment, t.total, t.total_low, t.total_high
	from prisoner_exchanges e join prisoner_exchange_transfers t on t.prisoner_exchange = e.id
union all
	select 'body-repatriations', b.id::text, b.date, t.from_party, t.to_party, b.country, b.commitment, t.total, t.total_low, t.total_high
	from body_repatriations b join body_repatriation_transfers t on t.body_repatriation = b.id;
comment on view transfers is 'What went one way in one exchange or repatriation, with what it is summed up by.';

create view transfer_sums_anew as
	select collection, 'day' as span, date as starts_on, from_party, to_party, coalesce(country::text, '') as country, coalesce(commitment::text, '') as commitment, count(*) as records, count(*) filter (where total is null) as unknown_count,
		count(*) filter (where total_high is null) as unbounded_count, coalesce(sum(total), 0)::bigint as total,
		coalesce(sum(total_low) filter (where total is not null), 0)::bigint as total_low, coalesce(sum(total_high) filter (where total is not null), 0)::bigint as total_high
	from transfers group by 1, 3, 4, 5, 6, 7;
comment on view transfer_sums_anew is 'The sums by day as they come out of the transfers.';

create view transfer_sums_computed as
	select * from transfer_sums_anew
union all
	select collection, 'month', date_trunc('month', starts_on)::date, from_party, to_party, country, commitment,
		sum(records)::bigint, sum(unknown_count)::bigint, sum(unbounded_count)::bigint, sum(total)::bigint, sum(total_low)::bigint, sum(total_high)::bigint
	from transfer_sums_anew group by collection, date_trunc('month', starts_on), from_party, to_party, country, commitment;
comment on view transfer_sums_computed is 'What transfer_sums must have, made of the transfers on the spot.';

-- +goose StatementBegin
create function sum_up(of_collection text, days date[]) returns void language plpgsql as $$
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

create function sum_up_changes() returns trigger language plpgsql as $$
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
	t record;
	n record;
begin
	for t in select * from (values ('prisoner_exchanges', 'prisoner-exchanges', ''), ('prisoner_exchange_transfers', 'prisoner-exchanges', 'prisoner_exchange'),
			('body_repatriations', 'body-repatriations', ''), ('body_repatriation_transfers', 'body-repatriations', 'body_repatriation')) k(of_table, collection, record),
		(values ('insert', 'new table as new_rows'), ('update', 'old table as old_rows new table as new_rows'), ('delete', 'old table as old_rows')) e(verb, tables)
	loop
		execute format('create trigger g_sum_up_on_%1$s after %1$s on %2$s referencing %3$s for each statement execute function sum_up_changes(%4$L, %5$L)',
			t.verb, t.of_table, t.tables, t.collection, t.record);
	end loop;

	-- The sums that there are, and all that there have been. No changeset does this: nothing that anybody recorded changes.
	alter table transfer_sums disable trigger user;
	alter table history.transfer_sums disable trigger user;
	insert into transfer_sums select * from transfer_sums_computed;
	perform show_as_of(c.oid) from readable_as_of() c(oid) where c.oid in ('transfers'::regclass, 'transfer_sums_anew'::regclass, 'transfer_sums_computed'::regclass);
	for n in select id from changesets order by id loop
		perform set_config('parley.as_of', n.id::text, true);
		update history.transfer_sums h set valid_to = n.id where valid_to = 9223372036854775807
			and not exists (select from as_of.transfer_sums_computed c where c = row(h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment,
				h.records, h.unknown_count, h.unbounded_count, h.total, h.total_low, h.total_high)::transfer_sums_computed);
		insert into history.transfer_sums select n.id, 9223372036854775807, c.* from as_of.transfer_sums_computed c
			where not exists (select from history.transfer_sums h where h.valid_to = 9223372036854775807 and (h.collection, h.span, h.starts_on, h.from_party, h.to_party, h.country, h.commitment)
				= (c.collection, c.span, c.starts_on, c.from_party, c.to_party, c.country, c.commitment));
	end loop;
	alter table transfer_sums enable trigger user;
	alter table history.transfer_sums enable trigger user;
end $do$;

-- By a party's figures, sums are made on the spot.
create or replace function show_reported(relation regclass, base name) returns void language plpgsql set search_path = public as $$
declare
	name   constant name := (select relname from pg_class where oid = relation);
	target constant name := case base when 'public' then 'reported' else 'reported_' || base end;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		perform show_in(target, target || ', ' || base, relation);
		if name = 'transfer_sums_computed' then
			execute format('create or replace view %1$I.transfer_sums as select * from %1$I.transfer_sums_computed', target);
		end if;
	elsif base <> 'public' and to_regclass(format('reported.%I', name)) is not null and name <> 'transfer_sums' then
		perform show_in(target, base, format('reported.%I', name)::regclass);
	end if;
end $$;
-- +goose StatementEnd

select read_as_of('transfer_sums');
select read_as_of('transfers');
select read_as_of('transfer_sums_anew');
select read_as_of('transfer_sums_computed');

-- +goose Down
-- +goose StatementBegin
do $do$
declare
	t record;
begin
	for t in select * from (values ('prisoner_exchanges'), ('prisoner_exchange_transfers'), ('body_repatriations'), ('body_repatriation_transfers')) k(of_table),
		(values ('insert'), ('update'), ('delete')) e(verb)
	loop
		execute format('drop trigger g_sum_up_on_%s on %I', t.verb, t.of_table);
	end loop;
	drop view reported_as_of.transfer_sums, reported_as_of.transfer_sums_computed, reported_as_of.transfer_sums_anew, reported_as_of.transfers,
		reported.transfer_sums, reported.transfer_sums_computed, reported.transfer_sums_anew, reported.transfers,
		as_of.transfer_sums_computed, as_of.transfer_sums_anew, as_of.transfers, as_of.transfer_sums;
end $do$;

create or replace function show_reported(relation regclass, base name) returns void language plpgsql set search_path = public as $$
declare
	name   constant name := (select relname from pg_class where oid = relation);
	target constant name := case base when 'public' then 'reported' else 'reported_' || base end;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		perform show_in(target, target || ', ' || base, relation);
	elsif base <> 'public' and to_regclass(format('reported.%I', name)) is not null then
		perform show_in(target, base, format('reported.%I', name)::regclass);
	end if;
end $$;
-- +goose StatementEnd
drop view transfer_sums_computed, transfer_sums_anew, transfers;
drop function sum_up_changes();
drop function sum_up(text, date[]);
drop table history.transfer_sums, transfer_sums;
