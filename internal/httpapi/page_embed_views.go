package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// mostEmbedded is how many records an embed shows unless limit says otherwise.
const mostEmbedded = 1000

// noneMatches is what an embed says that has nothing to show.
const noneMatches = "Nothing on record matches."

// chosen reads fields of the records that the embed asks for.
func chosen[T any](d *viewing, t *store.Table, fields string) ([]T, store.Info, error) {
	l := d.list
	if l.By != "" { // the list that totals are made of, which they give no order
		l.By, l.Sort = "", query.Order{Field: "date", Descending: true}
	}
	l.Limit = cmp.Or(l.Limit, mostEmbedded)
	if fields != "" {
		l.Fields = strings.Split(fields, ",")
	}
	q := d.question(t, l)
	var all []T
	info, err := store.Page(d.r.Context(), d.DB, q, rows(d, q.Shape(), &all))
	return all, info, err
}

// asked is the query in words: what chooses records, but not what the view itself says.
func (d *viewing) asked() string {
	var all []string
	values, _ := url.ParseQuery(d.list.Canonical()) // our own
	for name, given := range values {
		if slices.Contains([]string{"id", "as_of", "reported_by", "limit", "sort", "total_count", "by", "type", "target.known"}, name) {
			continue
		}
		said := strings.Split(given[0], ",")
		for i, v := range said {
			said[i] = d.names.Of("parties", v)
		}
		name = strings.ReplaceAll(strings.NewReplacer(".not", " is not", ".known", " known").Replace(name), "_", " ")
		all = append(all, name+" "+strings.Join(said, ", "))
	}
	slices.Sort(all)
	if len(all) == 0 {
		return ""
	}
	return "Only: " + string(web.Visible([]byte(strings.Join(all, "; "))))
}

// cut says that a view does not show all.
func cut(e *web.Embed, info store.Info, shown int, what string) {
	if info.Next != nil {
		e.Left = append(e.Left, fmt.Sprintf("Only %d %s are drawn, the first by the order asked for; there are more.", shown, what))
	}
	if info.Undated != nil && *info.Undated > 0 {
		e.Left = append(e.Left, fmt.Sprintf("%d records without a date are left out.", *info.Undated))
	}
	e.Sources.More = info.Next != nil
}

// embedTimeline shows events in lanes by their types.
func (d *viewing) embedTimeline(t *store.Table, e *web.Embed) error {
	e.Title = "The Russia–Ukraine talks: what happened when"
	e.Deck = "A hollow block is a round that was not held. A stroke is as high as the greater number by direction; an open circle has no number on record."
	e.Asked, e.Link = d.asked(), joined("/explore/events", d.list.Canonical())
	events, info, err := chosen[talks.Event](d, t, "id,date,ends_on,type,collection,record,title,figures,sources")
	if err != nil {
		return err
	}
	var sources []string
	for _, event := range events {
		sources = append(sources, event.Sources...)
	}
	statuses, err := d.statuses(events)
	if err != nil {
		return err
	}
	if e.Sources.Publishers, err = d.publishers(sources); err != nil {
		return err
	}
	cut(e, info, len(events), "happenings")
	e.Events = events
	if e.Timeline = web.NewTimeline(d.frame("", "", ""), events, statuses); e.Timeline == nil {
		e.None = noneMatches
	}
	return nil
}

// statuses are those of the rounds among events, by their ids.
func (d *viewing) statuses(events []talks.Event) (map[string]string, error) {
	var rounds []string
	for _, event := range events {
		if event.Type == "round" {
			rounds = append(rounds, event.Record)
		}
	}
	all := map[string]string{}
	for some := range slices.Chunk(rounds, 500) {
		found, _, err := list[struct{ ID, Status string }](d, store.Rounds, "limit=500&fields=id,status", idIs(store.Rounds, some))
		if err != nil {
			return nil, err
		}
		for _, round := range found {
			all[round.ID] = round.Status
		}
	}
	return all, nil
}

// publishers are those of sources, the most cited first.
func (d *viewing) publishers(ids []string) ([]string, error) {
	times := map[string]int{}
	for _, id := range ids {
		times[id]++
	}
	cited := map[string]int{}
	distinct := make([]string, 0, len(times))
	for id := range times {
		distinct = append(distinct, id)
	}
	slices.Sort(distinct)
	for some := range slices.Chunk(distinct, 500) {
		found, _, err := list[struct{ ID, Publisher string }](d, store.Sources, "limit=500&fields=id,publisher", idIs(store.Sources, some))
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			cited[s.Publisher] += times[s.ID]
		}
	}
	return byTimes(cited), nil
}

func byTimes(cited map[string]int) []string {
	all := make([]string, 0, len(cited))
	for name := range cited {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cited[b]-cited[a], strings.Compare(a, b)) })
	return all
}

// citing is the sources of a record.
type citing struct {
	Sources []talks.Citation `json:"sources"`
}

func publishersOf(records []citing) []string {
	cited := map[string]int{}
	for _, r := range records {
		for _, s := range r.Sources {
			cited[s.Publisher]++
		}
	}
	return byTimes(cited)
}

// embedLedger shows commitments with a number.
func (d *viewing) embedLedger(t *store.Table, e *web.Embed) error {
	e.Title = "What was promised, and what is on record as delivered"
	e.Deck = web.Scale
	e.Key = "Solid: on record; open strokes: at least so many; pale: between figures that contradict each other; a question mark: no figure on record."
	e.Asked, e.Link = d.asked(), joined("/explore/commitments", d.list.Canonical())
	commitments, info, err := chosen[talks.Commitment](d, t, "id,agreed_on,summary,status,progress,sources")
	if err != nil {
		return err
	}
	cited, without := []citing{}, 0
	var all []talks.Commitment
	for _, c := range commitments {
		cited = append(cited, citing{c.Sources})
		if !numbered(c) {
			without++
			continue
		}
		all = append(all, c)
	}
	e.Sources.Publishers = publishersOf(cited)
	cut(e, info, len(commitments), "commitments")
	e.Ledger = web.Ledger(d.names, all)
	switch {
	case without == 0 && e.Ledger == nil:
		e.None = noneMatches
	case without == 1 && e.Ledger == nil:
		e.None = "The commitment that matches has no number, so there is nothing to draw."
	case e.Ledger == nil:
		e.None = fmt.Sprintf("The %d commitments that match have no number, so there is nothing to draw.", without)
	case without == 1:
		e.Left = append(e.Left, "One commitment that matches has no number, and is not drawn.")
	case without > 1:
		e.Left = append(e.Left, fmt.Sprintf("%d commitments that match have no number, and are not drawn.", without))
	}
	return nil
}

// sumsOf are what sums of a collection are called, what they count, and the kind of published totals that they stand beside.
var sumsOf = map[string]struct{ title, unit, kind string }{
	"prisoner-exchanges": {"Prisoners exchanged", "people", "prisoners"},
	"body-repatriations": {"Bodies repatriated", "bodies", "bodies"},
}

// embedTotals shows running totals by direction.
func (d *viewing) embedTotals(t *store.Table, e *web.Embed) error {
	of := sumsOf[t.Name]
	e.Title = of.title + ": running totals of the records"
	e.Deck = "A dashed line is a lower bound: from there on some records have no figure or no upper bound. Open circles are the times of records without a figure. A pale band lies between what reports give."
	plain, err := url.ParseQuery(d.list.Canonical())
	if err != nil {
		return err
	}
	plain.Del("by")
	e.Asked, e.Link = d.asked(), joined("/explore/"+t.Name, plain.Encode())
	sum, err := d.sum(t, d.list, of.title, of.unit)
	if err != nil {
		return err
	}
	records, info, err := chosen[citing](d, t, "sources")
	if err != nil {
		return err
	}
	e.Sources = web.Cited{Publishers: publishersOf(records), More: info.Next != nil}
	steps := web.NewSteps(d.names, sum)
	if e.Steps = &steps; len(sum.Totals) == 0 {
		e.None = noneMatches
	}
	return nil
}

// embedRecord shows the first record of a list.
func (d *viewing) embedRecord(t *store.Table, e *web.Embed) error {
	d.list.Limit = 1
	found, _, err := chosen[json.RawMessage](d, t, "")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		e.Title, e.Asked, e.None = web.Title(t.Name), d.asked(), noneMatches
		e.Link = joined("/explore/"+t.Name, d.list.Canonical())
		return nil
	}
	value := reflect.New(reflect.TypeOf(t.Record))
	var plain map[string]any
	if err := json.Unmarshal(found[0], value.Interface()); err != nil {
		return err
	}
	if err := json.Unmarshal(found[0], &plain); err != nil {
		return err
	}
	if err := d.call(web.Refs(plain)); err != nil {
		return err
	}
	var cited citing
	if t != store.Sources && t != store.Changesets {
		if err := json.Unmarshal(found[0], &cited); err != nil {
			return err
		}
	}
	e.Sources.Publishers = publishersOf([]citing{cited})
	if source, ok := value.Elem().Interface().(talks.Source); ok {
		e.Sources.Publishers = []string{source.Publisher}
	}
	e.Describes(d.names, t.Name, value.Elem().Interface())
	e.Link = d.frame("", "", "").Link(t.Name, fmt.Sprint(plain["id"]))
	return nil
}

// embedOfHome is the embed of the first page, with a query that says at which moment and with whose figures.
func embedOfHome(voice string) string {
	return joined(embeds+"timeline", strings.Trim("type=round,prisoner_exchange,body_repatriation&"+voice, "&"))
}

// embedOfRecord is the embed of a record. The ledger draws commitments that have a number.
func embedOfRecord(t *store.Table, id, voice string, numbered bool) string {
	of := "id=" + url.QueryEscape(id)
	switch {
	case t == store.Rounds:
		return joined(embeds+"round", strings.Trim(of+"&"+voice, "&"))
	case t == store.Commitments && numbered:
		return joined(embeds+"ledger", strings.Trim(of+"&"+voice, "&"))
	default:
		return joined(embeds+"record", strings.Trim("collection="+t.Name+"&"+of+"&"+voice, "&"))
	}
}

// numbered reports whether a record is a commitment with a number.
func numbered(record any) bool {
	c, ok := record.(talks.Commitment)
	return ok && c.Progress != nil && len(*c.Progress) > 0
}

// embedOfList is the embed of the answer to a query; "" if none shows it.
func embedOfList(t *store.Table, asked url.Values) string {
	views := embedViews()
	i := slices.IndexFunc(views, func(v embedView) bool { return !v.must && slices.Contains(v.of, t) })
	if i < 0 || views[i].name == "round" {
		return ""
	}
	values := url.Values{}
	for name, given := range asked {
		if name != "cursor" && name != "fields" && name != "total_count" && name != "limit" {
			values[name] = given
		}
	}
	if views[i].name == "totals" {
		values.Del("sort")
		if t != views[i].of[0] {
			values.Set("collection", t.Name)
		}
	}
	return joined(embeds+views[i].name, values.Encode())
}

// embeddable says in a page how it is embedded, and with which picture it is announced.
func (d *viewing) embeddable(f *web.Frame, embed string) {
	f.Embed = embed
	if embed == "" {
		embed = embedOfHome("")
	} else {
		f.OEmbed = d.oembedOf(f.Path)
	}
	address, asked, _ := strings.Cut(embed, "?")
	f.Image = joined(address+".png", strings.Trim(asked+"&width=600&height=315&scale=2", "&"))
}
