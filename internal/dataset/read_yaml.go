package dataset

import (
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/parley-api/parley/internal/record"
)

// yaml reads a list of records, or an object of such lists by collection. JSON is read by the same rules, because YAML
// contains it.
func (r *reader) yaml(file, collection string, text []byte) {
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		r.fault(file, 0, "is empty; a file without records has []")
		return
	}
	if err != nil {
		r.yamlFault(file, err)
		return
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			r.yamlFault(file, err)
		} else {
			r.fault(file, more.Line, "begins a second document; a file has one")
		}
		return
	}
	root := document.Content[0]
	if root.Kind == yaml.MappingNode {
		r.byCollection(file, root)
		return
	}
	r.list(file, collection, root)
}

var lineOf = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)

// yamlFault takes the line out of the library's text.
func (r *reader) yamlFault(file string, err error) {
	text := err.Error()
	line := 0
	if m := lineOf.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	r.fault(file, line, "is not YAML: %s", text)
}

// byCollection reads an object whose keys are collections.
func (r *reader) byCollection(file string, root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		name := strings.ReplaceAll(key.Value, "_", "-")
		if !slices.Contains(record.Collections(), name) {
			r.fault(file, key.Line, "there is no collection %q%s", key.Value, meant(name, record.Collections()))
			continue
		}
		r.list(file, name, root.Content[i+1])
	}
}

func (r *reader) list(file, collection string, list *yaml.Node) {
	switch {
	case list.Kind != yaml.SequenceNode:
		r.fault(file, list.Line, "is not a list of records")
		return
	case collection == "":
		r.unnamed(file)
		return
	}
	for _, n := range list.Content {
		c := converter{file: file, lines: map[string]int{}}
		value := c.value("", n, 0)
		r.faults = append(r.faults, c.faults...)
		document, ok := value.(map[string]any)
		switch {
		case c.faults != nil:
		case !ok:
			r.fault(file, n.Line, "is not a record: an object with an id")
		default:
			r.add(file, collection, document, c.lines)
		}
	}
}

// converter turns nodes into values, and remembers where they stood.
type converter struct {
	file   string
	lines  map[string]int
	faults []Fault
}

// maxDepth of lists and objects within a record; ours have four.
const maxDepth = 20

func (c *converter) fault(line int, reason string) any {
	c.faults = append(c.faults, Fault{Position{c.file, line}, reason})
	return nil
}

func (c *converter) value(pointer string, n *yaml.Node, depth int) any {
	c.lines[pointer] = n.Line
	switch {
	case depth > maxDepth:
		return c.fault(n.Line, "is nested too deeply")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return c.fault(n.Line, "anchors and aliases are not understood; write the value out")
	case n.Kind == yaml.MappingNode:
		return c.object(pointer, n, depth)
	case n.Kind == yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, e := range n.Content {
			list[i] = c.value(pointer+"/"+strconv.Itoa(i), e, depth+1)
		}
		return list
	}
	return c.scalar(n)
}

func (c *converter) object(pointer string, n *yaml.Node, depth int) any {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			return c.fault(key.Line, "a key is a plain name")
		}
		if _, twice := object[key.Value]; twice {
			return c.fault(key.Line, "the key "+key.Value+" stands there already")
		}
		here := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key.Value)
		object[key.Value] = c.value(here, n.Content[i+1], depth+1)
		c.lines[here] = key.Line
	}
	return object
}

// scalar: days and times stay the texts that they are.
func (c *converter) scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err == nil {
			return b
		}
	case "!!int", "!!float":
		var f float64
		if err := n.Decode(&f); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
		return c.fault(n.Line, n.Value+" is no number")
	}
	return n.Value
}
