-- Every changeset tells who listens on the channel parley_changesets its revision, at the moment of its commit.

-- +goose Up
-- +goose StatementBegin
create function tell_of_changeset() returns trigger language plpgsql as $$
begin
	perform pg_notify('parley_changesets', new.id::text);
	return null;
end $$;
-- +goose StatementEnd
comment on function tell_of_changeset is 'Tells the revision of a new changeset to who listens, when it is committed.';
create trigger tell after insert on changesets for each row execute function tell_of_changeset();

-- +goose Down
drop trigger tell on changesets;
drop function tell_of_changeset();
