-- The timeline: every dated happening of the other tables, in one shape. Who was part of it and what it cites stand in
-- views of their own, so that a page of the timeline looks them up for its own rows only.

-- +goose Up
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

-- The casts let conditions reach the tables: through a union only columns of one and the same type are looked up by index.
create view event_parties as
	          select 'rounds' as collection, d.round::text as record, d.party::text as party from delegations d
	union all select 'prisoner-exchanges', t.prisoner_exchange::text, t.from_party::text from prisoner_exchange_transfers t
	union all select 'prisoner-exchanges', t.prisoner_exchange::text, t.to_party::text from prisoner_exchange_transfers t
	union all select 'body-repatriations', t.body_repatriation::text, t.from_party::text from body_repatriation_transfers t
	union all select 'body-repatriations', t.body_repatriation::text, t.to_party::text from body_repatriation_transfers t
	union all select 'proposals', p.id::text, p.proposed_by::text from proposals p
	union all select 'commitments', c.commitment::text, c.party::text from commitment_parties c
	union all select 'claims', c.id::text, c.claimed_by::text from claims c;
comment on view event_parties is 'The parties to each event, by its collection and record; some more than once.';

create view event_sources as
	          select 'rounds' as collection, l.round::text as record, l.source::text as source, l.position from round_sources l
	union all select 'prisoner-exchanges', l.prisoner_exchange::text, l.source::text, l.position from prisoner_exchange_sources l
	union all select 'body-repatriations', l.body_repatriation::text, l.source::text, l.position from body_repatriation_sources l
	union all select 'proposals', l.proposal::text, l.source::text, l.position from proposal_sources l
	union all select 'commitments', l.commitment::text, l.source::text, l.position from commitment_sources l
	union all select 'claims', l.claim::text, l.source::text, l.position from claim_sources l;
comment on view event_sources is 'What each event cites, by its collection and record.';

-- +goose Down
drop view event_sources, event_parties, events;
