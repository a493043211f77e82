// Gofeed reads a feed with the library of that name and prints what it understood as JSON. Its argument is an address.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	jsonfeed "github.com/mmcdole/gofeed/json"
)

type feed struct {
	Kind    string  `json:"kind"` // atom or json
	Title   string  `json:"title"`
	Next    string  `json:"next"` // the following page; "": none
	Entries []entry `json:"entries"`
}

type entry struct {
	ID      string     `json:"id"`
	Link    string     `json:"link"`
	Title   string     `json:"title"`
	Updated *time.Time `json:"updated"`
}

func main() {
	f, err := read(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(url string) (*feed, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	parser := gofeed.NewParser()
	parser.KeepOriginalFeed = true
	parsed, err := parser.Parse(response.Body)
	if err != nil {
		return nil, err
	}
	f := &feed{Kind: parsed.FeedType, Title: parsed.Title, Entries: []entry{}}
	switch original := parsed.OriginalFeed().(type) {
	case *atom.Feed:
		for _, link := range original.Links {
			if link.Rel == "next" {
				f.Next = link.Href
			}
		}
	case *jsonfeed.Feed:
		f.Next = original.NextURL
	}
	for _, item := range parsed.Items {
		f.Entries = append(f.Entries, entry{item.GUID, item.Link, item.Title, item.UpdatedParsed})
	}
	return f, nil
}
