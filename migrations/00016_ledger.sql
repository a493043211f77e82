-- The ledger: what was promised beside what was delivered; and official totals beside the sums of our own records. These
-- are views, so that they can be read as of any moment and with any party's figures.

-- +goose Up
create view commitment_progress as
	with directions as (
		select t.commitment, t.position::int, t.from_party, t.to_party, t.unit, t.value as target, t.value_low as target_low, t.value_high as target_high,
			t.value_status as target_status, t.qualifier
		from commitment_targets t
	union all
		-- A direction that nothing was promised for, and in which something was delivered.
		select t.commitment, 1000 + row_number() over (partition by t.commitment order by d.from_party, d.to_party)::int, d.from_party, d.to_party, min(t.unit), null, null, null, null, null
		from commitment_targets t join transfers d on d.commitment = t.commitment
		where t.unit in ('people', 'bodies')
		and not exists (select from commitment_targets o where o.commitment = t.commitment and o.from_party = d.from_party and o.to_party = d.to_party)
		group by t.commitment, d.from_party, d.to_party
	), counted as (
		select d.*, c.kind, c.due_on, s.*, k.ends_on as records_end_on, today.date as decided_on,
			k.ends_on is not null and (s.events > 0 or coalesce(c.agreed_on, r.starts_on, k.ends_on) <= k.ends_on) as on_record
		from directions d join commitments c on c.id = d.commitment left join rounds r on r.id = c.round
		left join lateral (
			select max(v.ends_on) as ends_on from coverage v
			where v.collection = case c.kind when 'prisoner_exchange' then 'prisoner-exchanges' when 'body_repatriation' then 'body-repatriations' end) k on true
		left join lateral (
			select count(*) as events, count(*) filter (where v.total is null) as unknown_count, sum(v.total) as total, min(v.date) as first_on, max(v.date) as last_on,
				sum(case when v.total is not null then v.total_low end) as low,
				case when bool_and(v.total_high is not null) then sum(v.total_high) end as high
			from transfers v where v.commitment = d.commitment and v.from_party = d.from_party and v.to_party = d.to_party) s on true
		-- The day of the revision that is read: so an answer about a revision is the same for ever. It is not yet that of a
		-- changeset in the making.
		cross join (select (h.recorded_at at time zone 'UTC')::date as date from changesets h
			where h.transaction_id is distinct from pg_current_xact_id_if_assigned() order by h.id desc limit 1) today
	), delivered as (
		select *, case when on_record and events = 0 then 0 when on_record then total end as delivered from counted
	)
	select commitment, position, from_party, to_party, unit, target, target_low, target_high, target_status, qualifier,
		delivered,
		case when delivered is null then null when unknown_count > 0 then 'at_least' else 'exactly' end as delivered_qualifier,
		case when on_record then coalesce(low, 0) end as delivered_low,
		case when on_record and events = 0 then 0 when on_record then high end as delivered_high,
		events, unknown_count,
		case when delivered < target then target - delivered when delivered >= target then 0 end as remaining,
		case when delivered > target then delivered - target when delivered <= target then 0 end as excess,
		case when target > 0 then round(delivered::numeric / target, 4)::float8 end as share,
		first_on, last_on, records_end_on, decided_on,
		case
			when target is null then null
			when delivered >= target then 'met'
			when records_end_on is null and due_on < decided_on then 'lapsed'
			when not on_record or due_on < decided_on and due_on > records_end_on then 'no_records'
			when due_on < decided_on then 'overdue'
			else 'open'
		end as status
	from delivered;
comment on view commitment_progress is 'By direction, what was promised and what is on record as delivered. Sums are of the events with a figure; unknown_count says how many had none.';

create view commitment_status as
	select commitment, case
		when bool_and(status = 'met') then 'met'
		when bool_or(status = 'overdue') then 'overdue'
		when bool_or(status = 'lapsed') then 'lapsed'
		when bool_or(status = 'open') then 'open'
		else 'no_records' end as status
	from commitment_progress where target is not null group by commitment;
comment on view commitment_status is 'How a commitment with a target stands, all its directions together.';

create view compared_totals as
	select p.*, s.records_total, s.records, s.unknown_count, p.value - s.records_total as difference
	from published_totals p left join lateral (
		select coalesce(sum(d.total), 0)::bigint as records_total, coalesce(sum(d.records), 0)::bigint as records, coalesce(sum(d.unknown_count), 0)::bigint as unknown_count
		from transfer_sums d
		where d.collection = case p.kind when 'prisoners' then 'prisoner-exchanges' else 'body-repatriations' end and d.span = 'day' and d.starts_on between p.scope_from and p.date
		and (p.from_party is null or d.from_party = p.from_party and d.to_party = p.to_party)) s on true;
comment on view compared_totals is 'Published totals beside the sum of our own records in the same scope: known figures only, with how many had none.';

select read_as_of('commitment_progress');
select read_as_of('commitment_status');
select read_as_of('compared_totals');

-- +goose Down
-- +goose StatementBegin
do $$
declare
	base name;
begin
	for base in select nspname from pg_namespace where nspname ~ '^(reported|reported_as_of(_\d+)?|as_of(_\d+)?)$' loop
		execute format('drop view %1$I.compared_totals, %1$I.commitment_status, %1$I.commitment_progress', base);
	end loop;
end $$;
-- +goose StatementEnd
drop view compared_totals, commitment_status, commitment_progress;
