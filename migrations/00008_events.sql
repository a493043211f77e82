-- The timeline: every dated happening of the other tables, in one shape.

-- +goose Up
create view events as
	select 'round-' || r.id as id, 'round' as type, 'rounds' as collection, r.id::text as record, r.id::text as round,
		r.starts_on as date, r.ends_on, r.title, r.country::text, r.lat, r.lon,
		array(select d.party::text from delegations d where d.round = r.id order by d.position) as parties,
		array(select l.source::text from round_sources l where l.round = r.id order by l.position) as sources, r.revision
	from rounds r
union all
	select 'prisoner-exchange-' || e.id, 'prisoner_exchange', 'prisoner-exchanges', e.id, null,
		e.date, e.date, e.summary, e.country, e.lat, e.lon,
		array(select distinct p.party::text from prisoner_exchange_transfers t, unnest(array[t.from_party, t.to_party]) p(party) where t.prisoner_exchange = e.id order by 1),
		array(select l.source::text from prisoner_exchange_sources l where l.prisoner_exchange = e.id order by l.position), e.revision
	from prisoner_exchanges e
union all
	select 'body-repatriation-' || b.id, 'body_repatriation', 'body-repatriations', b.id, null,
		b.date, b.date, b.summary, b.country, b.lat, b.lon,
		array(select distinct p.party::text from body_repatriation_transfers t, unnest(array[t.from_party, t.to_party]) p(party) where t.body_repatriation = b.id order by 1),
		array(select l.source::text from body_repatriation_sources l where l.body_repatriation = b.id order by l.position), b.revision
	from body_repatriations b
union all
	select 'proposal-' || p.id, 'proposal', 'proposals', p.id, p.round,
		r.starts_on, r.ends_on, p.summary, r.country, r.lat, r.lon, array[p.proposed_by::text],
		array(select l.source::text from proposal_sources l where l.proposal = p.id order by l.position), p.revision
	from proposals p join rounds r on r.id = p.round
union all
	-- One whose day is not known was made at its round.
	select 'commitment-' || c.id, 'commitment', 'commitments', c.id, c.round,
		coalesce(c.agreed_on, r.starts_on), coalesce(c.agreed_on, r.ends_on), c.summary, r.country, r.lat, r.lon,
		array(select p.party::text from commitment_parties p where p.commitment = c.id order by p.position),
		array(select l.source::text from commitment_sources l where l.commitment = c.id order by l.position), c.revision
	from commitments c left join rounds r on r.id = c.round
	where coalesce(c.agreed_on, r.starts_on) is not null
union all
	select 'due-date-' || c.id, 'due_date', 'commitments', c.id, c.round,
		c.due_on, c.due_on, c.summary, null, null, null,
		array(select p.party::text from commitment_parties p where p.commitment = c.id order by p.position),
		array(select l.source::text from commitment_sources l where l.commitment = c.id order by l.position), c.revision
	from commitments c
	where c.due_on is not null
union all
	select 'claim-' || c.id, 'claim', 'claims', c.id, c.round,
		c.made_on, c.made_on, c.summary, null, null, null, array[c.claimed_by::text],
		array(select l.source::text from claim_sources l where l.claim = c.id order by l.position), c.revision
	from claims c
	where c.made_on is not null;
comment on view events is 'Every dated happening: rounds, exchanges, repatriations, proposals, commitments and their due dates, claims.';

-- +goose Down
drop view events;
