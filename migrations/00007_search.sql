-- Indexes for full-text search, one a searchable table.

-- +goose Up
create index parties_search on parties using gin (search);
create index people_search on people using gin (search);
create index person_aliases_search on person_aliases using gin (search);
create index sources_search on sources using gin (search);
create index processes_search on processes using gin (search);
create index rounds_search on rounds using gin (search);
create index proposals_search on proposals using gin (search);
create index commitments_search on commitments using gin (search);
create index claims_search on claims using gin (search);
create index prisoner_exchanges_search on prisoner_exchanges using gin (search);
create index body_repatriations_search on body_repatriations using gin (search);
create index published_totals_search on published_totals using gin (search);
create index reports_search on reports using gin (search);

-- +goose Down
drop index parties_search, people_search, person_aliases_search, sources_search, processes_search, rounds_search, proposals_search,
	commitments_search, claims_search, prisoner_exchanges_search, body_repatriations_search, published_totals_search, reports_search;
