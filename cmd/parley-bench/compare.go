package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// differences names the fields in which two JSON documents differ. Addresses of the servers themselves count as equal; of
// the addresses of lists, which each service makes in its own way, only whether they are there.
func differences(a, b []byte, addressA, addressB string) ([]string, error) {
	var x, y any
	for text, to := range map[*[]byte]*any{&a: &x, &b: &y} {
		if err := json.Unmarshal(*text, to); err != nil {
			return nil, fmt.Errorf("%w in %.200q", err, *text)
		}
	}
	var all []string
	compare("", unaddressed(x, addressA), unaddressed(y, addressB), &all)
	return all, nil
}

func compare(at string, a, b any, all *[]string) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := maps.Clone(x)
		maps.Copy(keys, y)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			compare(at+"/"+key, x[key], y[key], all)
		}
		return
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			compare(at+"/"+strconv.Itoa(i), x[i], y[i], all)
		}
		return
	}
	if !reflect.DeepEqual(a, b) {
		*all = append(*all, fmt.Sprintf("%s: %.100v, %.100v", at, a, b))
	}
}

// unaddressed is a document without the address of its server.
func unaddressed(document any, address string) any {
	switch x := document.(type) {
	case map[string]any:
		for key, value := range x {
			if _, is := value.(string); is && (key == "next" || key == "permalink") {
				x[key] = "an address"
			} else {
				x[key] = unaddressed(value, address)
			}
		}
	case []any:
		for i := range x {
			x[i] = unaddressed(x[i], address)
		}
	case string:
		return strings.ReplaceAll(x, "http://"+address, "")
	}
	return document
}
