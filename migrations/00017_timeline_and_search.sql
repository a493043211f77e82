-- The timeline says more of each happening, and can be searched; and one search goes through all records.

-- +goose Up
create or replace view events as
	select 'round-' || r.id as id, 'round' as type, 'rounds' as collection, r.id::text as record, r.id::text as round,
		r.starts_on as date, r.ends_on, r.title, r.country::text, r.lat, r.lon, r.revision,
		case when r.ends_on > r.starts_on then 'span' else 'day' end as date_precision, r.city as place, r.place_precision, r.search
	from rounds r
union all
	select 'prisoner-exchange-' || e.id, 'prisoner_exchange', 'prisoner-exchanges', e.id::text, null::text,
		e.date, e.date, e.summary, e.country::text, e.lat, e.lon, e.revision,
		'day', e.place, e.place_precision, e.search
	from prisoner_exchanges e
union all
	select 'body-repatriation-' || b.id, 'body_repatriation', 'body-repatriations', b.id::text, null::text,
		b.date, b.date, b.summary, b.country::text, b.lat, b.lon, b.revision,
		'day', b.place, b.place_precision, b.search
	from body_repatriations b
union all
	select 'proposal-' || p.id, 'proposal', 'proposals', p.id::text, p.round::text,
		r.starts_on, r.ends_on, p.summary, r.country::text, r.lat, r.lon, p.revision,
		'round', r.city, r.place_precision, p.search
	from proposals p join rounds r on r.id = p.round
union all
	-- One whose day is not known was made at its round.
	select 'commitment-' || c.id, 'commitment', 'commitments', c.id::text, c.round::text,
		coalesce(c.agreed_on, r.starts_on), coalesce(c.agreed_on, r.ends_on), c.summary, r.country::text, r.lat, r.lon, c.revision,
		case when c.agreed_on is null then 'round' else 'day' end, r.city, r.place_precision, c.search
	from commitments c left join rounds r on r.id = c.round
	where coalesce(c.agreed_on, r.starts_on) is not null
union all
	select 'due-date-' || c.id, 'due_date', 'commitments', c.id::text, c.round::text,
		c.due_on, c.due_on, c.summary, null::text, null::float8, null::float8, c.revision,
		'day', null::text, null::place_precision, c.search
	from commitments c
	where c.due_on is not null
union all
	select 'claim-' || c.id, 'claim', 'claims', c.id::text, c.round::text,
		c.made_on, c.made_on, c.summary, null::text, null::float8, null::float8, c.revision,
		'day', null::text, null::place_precision, c.search
	from claims c
	where c.made_on is not null;

create view event_figures as
	          select 'prisoner-exchanges' as collection, t.prisoner_exchange::text as record, t.position::int, t.from_party, t.to_party, t.total as value, 'exactly' as qualifier, 'people' as unit from prisoner_exchange_transfers t
	union all select 'body-repatriations', t.body_repatriation::text, t.position, t.from_party, t.to_party, t.total, 'exactly', 'bodies' from body_repatriation_transfers t
	union all select 'proposals', t.proposal::text, t.position, t.from_party, t.to_party, t.value, t.qualifier::text, t.unit::text from proposal_targets t
	union all select 'commitments', t.commitment::text, t.position, t.from_party, t.to_party, t.value, t.qualifier::text, t.unit::text from commitment_targets t
	union all select 'claims', c.id::text, 1, c.from_party, c.to_party, c.value, c.qualifier::text, c.unit::text from claims c where c.unit is not null;
comment on view event_figures is 'The numbers that each event is about, by its collection and record.';

create view searchable as
	          select 'processes' as type, p.id::text as record, 'process-' || p.id as id, p.name as title, p.summary as body, p.search, p.revision from processes p
	union all select 'rounds', r.id::text, 'round-' || r.id, r.title, concat_ws(' · ', r.city, r.venue, r.summary, r.note), r.search, r.revision from rounds r
	union all select 'people', p.id::text, 'person-' || p.id, p.name, concat_ws(' · ', p.name, p.name_native), p.search, p.revision from people p
	union all select 'people', p.id::text, 'alias-' || p.id || '-' || a.position, p.name, a.alias, a.search, p.revision from person_aliases a join people p on p.id = a.person
	union all select 'parties', p.id::text, 'party-' || lower(p.id), p.name, p.id || ' · ' || p.name, p.search, p.revision from parties p
	union all select 'proposals', p.id::text, 'proposal-' || p.id, p.summary, concat_ws(' · ', p.summary, p.note), p.search, p.revision from proposals p
	union all select 'commitments', c.id::text, 'commitment-' || c.id, c.summary, concat_ws(' · ', c.summary, c.note), c.search, c.revision from commitments c
	union all select 'claims', c.id::text, 'claim-' || c.id, c.summary, concat_ws(' · ', c.summary, c.note), c.search, c.revision from claims c
	union all select 'prisoner-exchanges', e.id::text, 'prisoner-exchange-' || e.id, e.summary, concat_ws(' · ', e.summary, e.place, e.sequence_note, e.note), e.search, e.revision from prisoner_exchanges e
	union all select 'body-repatriations', b.id::text, 'body-repatriation-' || b.id, b.summary, concat_ws(' · ', b.summary, b.place, b.note), b.search, b.revision from body_repatriations b
	union all select 'published-totals', t.id::text, 'published-total-' || t.id, coalesce(t.scope_note, t.id), concat_ws(' · ', t.scope_note, t.said_by_name, t.note), t.search, t.revision from published_totals t
	union all select 'sources', s.id::text, 'source-' || s.id, s.title, s.title || ' · ' || s.publisher, s.search, s.revision from sources s;
comment on view searchable is 'All records that are searched together, with their title and the text that is searched.';

create index changesets_search on changesets using gin (to_tsvector('parley_english', author || ' ' || message));

select read_as_of('events');
select read_as_of('event_figures');
select read_as_of('searchable');

-- +goose Down
-- +goose StatementBegin
do $$
declare
	base name;
begin
	for base in select nspname from pg_namespace where nspname ~ '^(reported|reported_as_of(_\d+)?|as_of(_\d+)?)$' loop
		execute format('drop view %1$I.searchable, %1$I.event_figures, %1$I.events', base);
	end loop;
end $$;
-- +goose StatementEnd
drop view searchable, event_figures, events;
drop index changesets_search;
create view events as
	select 'round-' || r.id as id, 'round' as type, 'rounds' as collection, r.id::text as record, r.id::text as round,
		r.starts_on as date, r.ends_on, r.title, r.country::text, r.lat, r.lon, r.revision
	from rounds r
union all
	select 'prisoner-exchange-' || e.id, 'prisoner_exchange', 'prisoner-exchanges', e.id::text, null::text,
		e.date, e.date, e.summary, e.country::text, e.lat, e.lon, e.revision
	from prisoner_exchanges e
union all
	select 'body-repatriation-' || b.id, 'body_repatriation', 'body-repatriations', b.id::text, null::text,
		b.date, b.date, b.summary, b.country::text, b.lat, b.lon, b.revision
	from body_repatriations b
union all
	select 'proposal-' || p.id, 'proposal', 'proposals', p.id::text, p.round::text,
		r.starts_on, r.ends_on, p.summary, r.country::text, r.lat, r.lon, p.revision
	from proposals p join rounds r on r.id = p.round
union all
	-- One whose day is not known was made at its round.
	select 'commitment-' || c.id, 'commitment', 'commitments', c.id::text, c.round::text,
		coalesce(c.agreed_on, r.starts_on), coalesce(c.agreed_on, r.ends_on), c.summary, r.country::text, r.lat, r.lon, c.revision
	from commitments c left join rounds r on r.id = c.round
	where coalesce(c.agreed_on, r.starts_on) is not null
union all
	select 'due-date-' || c.id, 'due_date', 'commitments', c.id::text, c.round::text,
		c.due_on, c.due_on, c.summary, null::text, null::float8, null::float8, c.revision
	from commitments c
	where c.due_on is not null
union all
	select 'claim-' || c.id, 'claim', 'claims', c.id::text, c.round::text,
		c.made_on, c.made_on, c.summary, null::text, null::float8, null::float8, c.revision
	from claims c
	where c.made_on is not null;
comment on view events is 'Every dated happening: rounds, exchanges, repatriations, proposals, commitments and their due dates, claims.';
select read_as_of('events');
