package main

import (
	"bufio"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// What shells are told is short: they ask the program itself, which knows its commands.
//
//go:embed completion/parley.bash completion/parley.zsh completion/parley.fish
var completions embed.FS

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (c completionCmd) Run(e *env) error {
	script, err := completions.ReadFile("completion/parley." + c.Shell)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(script)
	return err
}

type completeWordsCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what the last of the words may become, a line each: the word, and after a tab what it means.
func (c completeWordsCmd) Run(e *env) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	out := bufio.NewWriter(e.stdout)
	for _, s := range complete(e.model.Node, words) {
		fmt.Fprintf(out, "%s\t%s\n", s.word, s.help)
	}
	return out.Flush()
}

// suggestion is a word that a command line may go on with.
type suggestion struct{ word, help string }

// complete finds what the last of the words of a command line may become. Nothing is also said of what is free, such as the
// name of a file.
func complete(root *kong.Node, words []string) (all []suggestion) {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	at := root
	var given []string          // flags
	var open *kong.Flag         // the flag whose value comes next
	arguments, only := 0, false // of the command; and only such follow
	for _, word := range words[:len(words)-1] {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		switch {
		case word == "=": // bash makes three words of --flag=value
		case open != nil:
			open = nil
		case only:
			arguments++
		case word == "--":
			only = true
		case strings.HasPrefix(word, "-"):
			given = append(given, name)
			if f := flag(at, name); f != nil && !f.IsBool() && (!hasValue || value == "") {
				open = f
			}
		default:
			if child := childOf(at, word); child != nil {
				at = child
			} else {
				arguments++
			}
		}
	}
	add := func(prefix, word, help string) {
		if strings.HasPrefix(prefix+word, last) {
			all = append(all, suggestion{prefix + word, help})
		}
	}
	name, _, hasValue := strings.Cut(last, "=")
	switch {
	case open != nil:
		last = strings.TrimPrefix(last, "=")
		for _, word := range enumeration(open.Value) {
			add("", word, "")
		}
	case hasValue && strings.HasPrefix(last, "--"):
		if f := flag(at, strings.TrimPrefix(name, "--")); f != nil {
			for _, word := range enumeration(f.Value) {
				add(name+"=", word, "")
			}
		}
	case strings.HasPrefix(last, "-") && !only:
		for _, f := range flagsOf(at) {
			if !slices.Contains(given, f.Name) || f.IsCumulative() {
				add("--", f.Name, f.Help)
			}
		}
	default:
		for _, child := range at.Children {
			if !child.Hidden && !only {
				add("", child.Name, child.Help)
			}
		}
		if arguments < len(at.Positional) {
			for _, word := range enumeration(at.Positional[arguments]) {
				add("", word, "")
			}
		}
	}
	return all
}

func childOf(n *kong.Node, name string) *kong.Node {
	for _, child := range n.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// flagsOf are the flags that a command understands: its own and those of the commands around it.
func flagsOf(n *kong.Node) (all []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

func flag(n *kong.Node, name string) *kong.Flag {
	for _, f := range flagsOf(n) {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// enumeration is the words that a value may have, none where it is free.
func enumeration(v *kong.Value) (words []string) {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}
