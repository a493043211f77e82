-- bbox= looks for places. Without an index a small box looks through all of 200,000 exchanges, 60 ms; with it at its own.
-- Rounds and repatriations are too few to need one.

-- +goose Up
create index prisoner_exchanges_place on prisoner_exchanges (lat, lon);
create index prisoner_exchanges_place on history.prisoner_exchanges (lat, lon, valid_from, valid_to);

-- +goose Down
drop index history.prisoner_exchanges_place;
drop index prisoner_exchanges_place;
