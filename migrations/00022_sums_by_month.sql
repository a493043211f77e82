-- The sums by month in the order in which they are added up, beside each other and whole: totals need not look for each of
-- them among those by day, nor past what earlier changesets have left behind.

-- +goose Up
create index transfer_sums_by_month on transfer_sums (collection, starts_on, from_party, to_party)
	include (country, commitment, records, unknown_count, unbounded_count, total, total_low, total_high) where span = 'month';
alter table transfer_sums set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- sum() of bigint is numeric, and making that takes longer than all the rest of adding up.
create aggregate whole_sum(bigint) (sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe);
comment on aggregate whole_sum(bigint) is 'The sum as a bigint; an error if it is none. Null of nothing.';

-- +goose Down
drop aggregate whole_sum(bigint);
alter table transfer_sums reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
drop index transfer_sums_by_month;
