package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type manCmd struct{}

// Run prints the manual page, in the language of man(7), made of the definition of the commands.
func (manCmd) Run(e *env) error {
	_, err := e.stdout.Write(manual(e.model))
	return err
}

// roff is a page in the making.
type roff struct{ bytes.Buffer }

// macro writes a request with arguments.
func (p *roff) macro(name string, arguments ...string) {
	p.WriteString("." + name)
	for _, a := range arguments {
		p.WriteString(` "` + strings.ReplaceAll(escaped(a), `"`, `\(dq`) + `"`)
	}
	p.WriteByte('\n')
}

// text writes a line of text.
func (p *roff) text(line string) {
	if line = escaped(strings.Join(strings.Fields(line), " ")); line == "" {
		return
	}
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	p.WriteString(line + "\n")
}

// term writes what is explained, and its explanation.
func (p *roff) term(term, explanation string) {
	p.macro("TP")
	p.macro("B", term)
	p.text(explanation)
}

// escaped has a hyphen stay one, so that what is copied from the page works.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`, `…`, `...`).Replace(text)
}

func manual(app *kong.Application) []byte {
	p := &roff{}
	p.macro("TH", strings.ToUpper(app.Name), "1", "", app.Name+" "+programVersion())
	p.macro("nh") // names of variables stay whole
	p.macro("SH", "NAME")
	p.text(app.Name + " - " + app.Help)
	p.macro("SH", "SYNOPSIS")
	p.macro("B", app.Name)
	p.text("[flags] command [flags] [arguments]")
	p.macro("SH", "DESCRIPTION")
	p.text(app.Help)
	p.text("Every flag can also be set by the environment variable that stands with it; the flag wins.")
	p.macro("SH", "COMMANDS")
	for _, leaf := range app.Leaves(true) {
		p.command(leaf)
	}
	p.macro("SH", "FLAGS OF EVERY COMMAND")
	for _, f := range app.Flags {
		p.flag(f)
	}
	p.environment(app)
	p.macro("SH", "EXIT STATUS")
	p.text("0 if all went well, 1 if not; then standard error says what is wrong and what to do.")
	p.macro("SH", "FILES")
	p.term("/var/lib/parley, ~/.local/share/parley", "Where root and others keep the private PostgreSQL, unless PARLEY_DATA_DIR says otherwise.")
	p.macro("SH", "SEE ALSO")
	p.text("A running server explains its interface at /v1 and /docs/.")
	return p.Bytes()
}

// command explains a command that does something: commands of commands are no more than a part of its name.
func (p *roff) command(n *kong.Node) {
	p.macro("SS", strings.TrimPrefix(n.Summary(), "parley "))
	p.text(n.Help)
	for _, argument := range n.Positional {
		p.term(argument.Summary(), argument.Help)
	}
	for _, f := range n.Flags {
		p.flag(f)
	}
}

func (p *roff) flag(f *kong.Flag) {
	if f.Hidden {
		return
	}
	help := f.Help
	if len(f.Envs) > 0 {
		help += " ($" + strings.Join(f.Envs, ", $") + ")"
	}
	p.term("--"+strings.TrimPrefix(f.Summary(), "--"), help)
}

// environment lists all variables, each once.
func (p *roff) environment(app *kong.Application) {
	flags := map[string]string{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			for _, variable := range f.Envs {
				flags[variable] = "--" + f.Name
			}
		}
		return next(nil)
	})
	var names []string
	for name := range flags {
		names = append(names, name)
	}
	slices.Sort(names)
	p.macro("SH", "ENVIRONMENT")
	for _, name := range names {
		p.term(name, fmt.Sprintf("As %s.", flags[name]))
	}
}
