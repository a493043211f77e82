-- Uniqueness is checked at the end of a changeset, so that two records can exchange their values in one.

-- +goose Up
alter table parties
	drop constraint parties_name_key, add constraint parties_name_key unique (name) deferrable,
	drop constraint parties_iso2_key, add constraint parties_iso2_key unique (iso2) deferrable;
alter table sources
	drop constraint sources_url_key, add constraint sources_url_key unique (url) deferrable;
alter table coverage
	drop constraint coverage_collection_year_key, add constraint coverage_collection_year_key unique (collection, year) deferrable;

-- +goose Down
alter table parties
	drop constraint parties_name_key, add constraint parties_name_key unique (name),
	drop constraint parties_iso2_key, add constraint parties_iso2_key unique (iso2);
alter table sources
	drop constraint sources_url_key, add constraint sources_url_key unique (url);
alter table coverage
	drop constraint coverage_collection_year_key, add constraint coverage_collection_year_key unique (collection, year);
