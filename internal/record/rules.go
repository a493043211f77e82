package record

import (
	"fmt"
	"strconv"
)

// The rules below hold between the fields of a record. The database has them too, as constraints: here they are said in
// the words of the record, and all at once.

func (c *checker) rule(ok bool, field, reason string) {
	if !ok {
		c.fault(c.at+"/"+field, reason)
	}
}

// inOrder: days, where both are known.
func (c *checker) inOrder(d Document, first, last string) {
	a, b := d.String(first), d.String(last)
	c.rule(a == "" || b == "" || a <= b, last, "is before "+first)
}

func processRules(c *checker, d Document) { c.inOrder(d, "started_on", "ended_on") }

func partyRules(c *checker, d Document) {
	switch d["kind"] {
	case "state":
		c.rule(d["iso2"] == c.id, "iso2", "of a state is its id, "+strconv.Quote(c.id))
	case "organisation":
		c.rule(d["iso2"] == nil, "iso2", "is for states; an organisation has null")
	}
}

func roundRules(c *checker, d Document) {
	c.inOrder(d, "starts_on", "ends_on")
	started, ended := d.String("started_at"), d.String("ended_at")
	if started != "" && ended != "" {
		const offset = len("2006-01-02T15:04:05")
		c.rule(started[offset:] == ended[offset:], "ended_at", "has another offset than started_at; write both by the same clock")
		c.rule(started[offset:] != ended[offset:] || started <= ended, "ended_at", "is before started_at")
	}
	c.position(d, "country")
	for _, name := range []string{"city", "venue"} {
		c.rule(d[name] == nil || d["country"] != nil, name, "needs a country")
	}
	if d["format"] != nil {
		online := d["format"] == "online"
		c.rule(online == (d["country"] == nil), "country", map[bool]string{true: "is not for a round that was held online", false: "is required unless the round was held online"}[online])
	}
	seen := map[string]bool{}
	for i, delegation := range d.Documents("delegations") {
		at := "delegations/" + strconv.Itoa(i)
		party := delegation.String("party")
		c.rule(party == "" || !seen[party], at+"/party", "has a delegation already")
		seen[party] = true
		c.members(at, delegation)
	}
	c.reports(d)
}

// members: the head is one of them, and nobody is named twice.
func (c *checker) members(at string, delegation Document) {
	people := map[string]bool{}
	for i, member := range delegation.Documents("members") {
		person := member.String("person")
		c.rule(person == "" || !people[person], at+"/members/"+strconv.Itoa(i)+"/person", "is a member already")
		people[person] = true
	}
	head := delegation.String("head")
	c.rule(head == "" || people[head], at+"/head", "is not one of the members")
}

// position: where it is known, it is known of what, and both coordinates are.
func (c *checker) position(d Document, place string) {
	c.rule((d["lat"] == nil) == (d["lon"] == nil), "lon", "and lat are known together or not at all")
	c.rule((d[place] == nil) == (d["place_precision"] == nil), "place_precision", "is known exactly when "+place+" is")
	c.rule(d["lat"] == nil || d[place] != nil, "lat", "needs a "+place)
}

func exchangeRules(c *checker, d Document) {
	c.rule(c.id != "totals", "id", `cannot be "totals": that is the address of the sums`)
	c.position(d, "place")
	c.rule(d["country"] == nil || d["place"] != nil, "country", "needs a place")
	seen := map[string]bool{}
	for i, t := range d.Documents("transfers") {
		at := "transfers/" + strconv.Itoa(i)
		c.direction(at, t, seen, "")
		total, known := t.Int("total")
		pows, p := t.Int("pows")
		civilians, v := t.Int("civilians")
		switch {
		case known && p && v && pows+civilians != total:
			c.rule(false, at+"/total", fmt.Sprintf("is %d, but pows and civilians are %d together", total, pows+civilians))
		case known && p && pows > total:
			c.rule(false, at+"/pows", "are more than the total")
		case known && v && civilians > total:
			c.rule(false, at+"/civilians", "are more than the total")
		}
	}
	c.reports(d)
}

// direction: from one party to another, each once; of is what else tells the entries of a list apart.
func (c *checker) direction(at string, d Document, seen map[string]bool, of string) {
	from, to := d.String("from"), d.String("to")
	if from+to+of == "" {
		return // at fault already
	}
	c.rule(from == "" || from != to, at+"/to", "is the same party as from")
	key := from + "-" + to + " " + of
	c.rule(!seen[key], at, "is a second entry for the same direction")
	seen[key] = true
}

func targetRules(c *checker, d Document) {
	seen := map[string]bool{}
	for i, t := range d.Documents("targets") {
		at := "targets/" + strconv.Itoa(i)
		c.bothOrNone(at+"/", t)
		c.direction(at, t, seen, t.String("unit"))
		switch t["unit"] {
		case "people", "bodies":
			c.rule(t["from"] != nil || t["to"] != nil, at+"/from", "is required for people and bodies, which go from one party to another")
		case nil:
		default:
			c.rule(t["from"] == nil && t["to"] == nil, at+"/from", "is for people and bodies; groups, hours and days have no direction")
		}
	}
}

// bothOrNone: a direction is from a party and to a party.
func (c *checker) bothOrNone(at string, d Document) {
	c.rule((d["from"] == nil) == (d["to"] == nil), at+"to", "and from are known together or not at all")
}

func commitmentRules(c *checker, d Document) {
	targetRules(c, d)
	c.reports(d)
}

func claimRules(c *checker, d Document) {
	if quantity, ok := d["quantity"].(Document); ok {
		c.bothOrNone("quantity/", quantity)
		c.direction("quantity", quantity, map[string]bool{}, "")
	}
	c.rule(d["responds_to"] != c.id, "responds_to", "is the claim itself")
}

func totalRules(c *checker, d Document) {
	c.bothOrNone("", d)
	from, to := d.String("from"), d.String("to")
	c.rule(from == "" || from != to, "to", "is the same party as from")
	c.inOrder(d, "scope_from", "date")
}

func coverageRules(c *checker, d Document) { c.inOrder(d, "starts_on", "ends_on") }
