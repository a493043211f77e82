-- Changesets that are recorded together are one pipeline up to their commit: what must hold before it is for the database to
-- say, by an error that keeps it from the commit.

-- +goose Up
-- +goose StatementBegin
create function each_changes(first bigint, n integer) returns void language plpgsql as $$
begin
	if (select count(distinct revision) from changes where revision >= first) <> n then
		raise exception 'a changeset changes nothing' using errcode = 'no_data_found';
	end if;
end $$;
-- +goose StatementEnd
comment on function each_changes is 'Refuses changesets, so many from the first on, of which one changes nothing: such must not become a revision.';

-- +goose Down
drop function each_changes(bigint, integer);
