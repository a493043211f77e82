-- The exchanges of a country, newest first: among five million, PostgreSQL looked past those of all others for them, 10 ms for
-- fifty; with this it looks at fifty, 1 ms.

-- +goose Up
create index prisoner_exchanges_country on prisoner_exchanges (country, date, id);
create index prisoner_exchanges_country on history.prisoner_exchanges (country, date, id, valid_from, valid_to);

-- +goose Down
drop index history.prisoner_exchanges_country;
drop index prisoner_exchanges_country;
