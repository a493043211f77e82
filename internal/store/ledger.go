package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// progress is what became of a commitment, by direction: null if it has no target that is a number.
const progress = `array_to_json((select array_agg(p) from (
	select t.from_party as "from", t.to_party as "to", t.unit, t.target, t.target_low, t.target_high, t.target_status, t.qualifier,
		t.delivered, ` + deliveredQualifier + ` as delivered_qualifier, t.delivered_low, t.delivered_high, t.events, t.unknown_count, t.remaining, t.excess, t.share,
		t.first_on, t.last_on, t.status, t.records_end_on, t.decided_on, ` + inWords + ` as in_words,
		array(select c from (select g.category, count(*) as events, count(*) filter (where v.total is null) as unknown_count, sum(v.total) as delivered
			from transfers v join prisoner_exchange_categories g on g.prisoner_exchange = v.record
			where v.collection = 'prisoner-exchanges' and v.commitment = t.commitment and v.from_party = t.from_party and v.to_party = t.to_party
			group by g.category order by g.category) c) as by_category,
		array(select c from (select v.collection, v.record as id, v.date, v.total from transfers v
			where v.commitment = t.commitment and v.from_party = t.from_party and v.to_party = t.to_party order by v.date, v.record) c) as counted,
		array(select c from (select r.value_number as value, r.qualifier, r.party, coalesce(r.said_by_person, r.said_by_name) as said_by, r.source, r.note from reports r
			where r.commitment = t.commitment and r.field = 'delivered.' || t.from_party || '-' || t.to_party order by r.position) c) as reported
	from commitment_progress t where t.commitment = x.id order by t.position) p))`

// deliveredQualifier is how the sum of what was delivered is meant. It is a lower bound where an event has no figure, and also
// where a figure has no upper bound.
const deliveredQualifier = `case when t.delivered_high is null and t.delivered is not null then 'at_least' else t.delivered_qualifier end`

// inWords says the same in words that cannot be read as more than is known.
const inWords = `case
	when t.records_end_on is null then 'no records are kept of this'
	when t.delivered is null and t.events = 0 then 'no records: they end on ' || t.records_end_on
	else case when t.unknown_count = 0 then case when t.delivered_high is null then 'at least ' else '' end || to_char(t.delivered, 'FM999,999,999,990')
			else coalesce('at least ' || to_char(t.delivered, 'FM999,999,999,990') || ' of an unstated number', 'an unstated number')
				|| ', ' || t.unknown_count || case when t.unknown_count = 1 then ' event without a figure' else ' events without figures' end end
		|| case when t.delivered_high is null and t.delivered_low < t.delivered then ', disputed: ' || to_char(t.delivered_low, 'FM999,999,999,990') || ' or more' else '' end
		|| coalesce('; promised: ' || case t.qualifier when 'about' then 'about ' when 'at_least' then 'at least ' when 'up_to' then 'up to ' else '' end
			|| to_char(t.target, 'FM999,999,999,990'), '; nothing promised')
	end`

// progressColumns are the keys of progress as columns: of the rows of a flat form, and for filters.
func progressColumns() []Column {
	all := []Column{
		{Name: "from", Type: query.Text, SQL: "t.from_party", Nullable: true},
		{Name: "to", Type: query.Text, SQL: "t.to_party", Nullable: true},
		{Name: "unit", Type: query.Enum, SQL: "t.unit", Cast: "quantity_unit", Values: talks.Units},
		{Name: "target", Type: query.Integer, SQL: "t.target", Nullable: true},
		{Name: "target_low", Type: query.Integer, SQL: "t.target_low", Nullable: true},
		{Name: "target_high", Type: query.Integer, SQL: "t.target_high", Nullable: true},
		{Name: "target_status", Type: query.Enum, SQL: "t.target_status", Cast: "figure_status", Values: talks.FigureStatuses, Nullable: true},
		{Name: "qualifier", Type: query.Enum, SQL: "t.qualifier", Cast: "qualifier", Values: talks.Qualifiers, Nullable: true},
		{Name: "delivered", Type: query.Integer, SQL: "t.delivered", Nullable: true},
		{Name: "delivered_qualifier", Type: query.Enum, SQL: "(" + deliveredQualifier + ")", Values: talks.DeliveredQualifiers, Nullable: true},
		{Name: "delivered_low", Type: query.Integer, SQL: "t.delivered_low", Nullable: true},
		{Name: "delivered_high", Type: query.Integer, SQL: "t.delivered_high", Nullable: true},
		{Name: "events", Type: query.Integer, SQL: "t.events"},
		{Name: "unknown_count", Type: query.Integer, SQL: "t.unknown_count"},
		{Name: "remaining", Type: query.Integer, SQL: "t.remaining", Nullable: true},
		{Name: "excess", Type: query.Integer, SQL: "t.excess", Nullable: true},
		{Name: "share", Type: query.Number, SQL: "t.share", Nullable: true},
		{Name: "first_on", Type: query.Date, SQL: "t.first_on", Nullable: true},
		{Name: "last_on", Type: query.Date, SQL: "t.last_on", Nullable: true},
		{Name: "records_end_on", Type: query.Date, SQL: "t.records_end_on", Nullable: true},
	}
	for i := range all {
		all[i].OfRow, all[i].Within = true, "exists (select from commitment_progress t where t.commitment = x.id and %s)"
	}
	return all
}
