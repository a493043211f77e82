package render_test

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-api/parley/internal/render"
)

func TestAtom(t *testing.T) {
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
 <id>https://parley.test/v1/rounds.atom?party=UA</id>
 <title>Parley: rounds, party=UA</title>
 <updated>2030-05-05T00:00:00Z</updated>
 <author>
  <name>The contributors</name>
 </author>
 <generator>Parley</generator>
 <rights>The contributors, https://creativecommons.org/licenses/by/4.0/</rights>
 <link rel="self" type="application/atom+xml" href="https://parley.test/v1/rounds.atom?party=UA"></link>
 <link rel="alternate" type="application/json" href="https://parley.test/v1/rounds?party=UA&amp;sort=-revision"></link>
 <link rel="first" type="application/atom+xml" href="https://parley.test/v1/rounds.atom?party=UA"></link>
 <link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></link>
 <link rel="memento" type="application/json" href="https://parley.test/v1/rounds?as_of=8&amp;party=UA"></link>
 <link rel="next" type="application/atom+xml" href="https://parley.test/next"></link>
 <entry>
  <id>https://parley.test/v1/rounds/geneva-1</id>
  <title>First round; Geneva, 2 &amp; 3 &lt;May&gt;</title>
  <updated>2030-05-04T10:11:12Z</updated>
  <published>2030-05-02T00:00:00Z</published>
  <link rel="alternate" type="application/json" href="https://parley.test/v1/rounds/geneva-1"></link>
  <link rel="via" href="https://example.org/?a=1&amp;b=2" title="Wire &amp; Co"></link>
  <content>They met.&#xA;Status: held&#xA;at least 390 people from RU to UA&#xA;people from UA to RU: number not known</content>
 </entry>
</feed>
`
	m := meta()
	m.Next = "https://parley.test/next"
	if diff := cmp.Diff(want, encode(t, render.Atom, render.Lists, m, meeting())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAtomOfNothing: before the first revision there is a feed, too.
func TestAtomOfNothing(t *testing.T) {
	m := meta()
	m.AsOf = nil
	var feed struct {
		Updated string     `xml:"updated"`
		Entries []struct{} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(encode(t, render.Atom, render.Lists, m)), &feed); err != nil || feed.Updated != "1970-01-01T00:00:00Z" || len(feed.Entries) != 0 {
		t.Errorf("%+v, %v", feed, err)
	}
}

// TestAtomKeepsTexts: whatever a text is, XML brings it back, but for what XML cannot say.
func TestAtomKeepsTexts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		title := rapid.StringMatching(`[ -~\t\nа-яé☃]{1,40}`).Draw(r, "title")
		var feed struct {
			Title string `xml:"entry>title"`
		}
		if err := xml.Unmarshal([]byte(encode(t, render.Atom, render.Lists, meta(), meeting(part{"title", title}))), &feed); err != nil || feed.Title != title {
			r.Errorf("%q became %q, %v", title, feed.Title, err)
		}
	})
	var feed struct {
		Title string `xml:"entry>title"`
	}
	if err := xml.Unmarshal([]byte(encode(t, render.Atom, render.Lists, meta(), meeting(part{"title", "a\x01b"}))), &feed); err != nil || feed.Title != "a\uFFFDb" {
		t.Errorf("a control character became %q, %v", feed.Title, err)
	}
}
