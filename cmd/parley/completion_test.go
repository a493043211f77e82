package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parley-api/parley/api"
)

// TestCompletion: the words that may follow, as every shell asks for them.
func TestCompletion(t *testing.T) {
	tests := []struct {
		words []string
		want  []string // the first of what is suggested
		count int      // of all that is suggested; -1: any number
	}{
		{[]string{"mig"}, []string{"migrate"}, 1},
		{[]string{""}, []string{"serve", "import"}, -1},
		{nil, []string{"serve"}, -1},
		{[]string{"keys", ""}, []string{"create", "list", "revoke"}, 3},
		{[]string{"export", "--format", ""}, []string{"yaml", "ndjson", "csv"}, 3},
		{[]string{"export", "--format", "=", "c"}, []string{"csv"}, 1},
		{[]string{"export", "--format", "="}, []string{"yaml", "ndjson", "csv"}, 3},
		{[]string{"export", "--format=c"}, []string{"--format=csv"}, 1},
		{[]string{"export", "--format", "csv", ""}, nil, 0},
		{[]string{"--data-dir", "serve", "mi"}, []string{"migrate"}, 1},
		{[]string{"export", "--form"}, []string{"--format"}, 1},
		{[]string{"export", "--format=csv", "--form"}, nil, 0},
		{[]string{"export", "--log"}, []string{"--log-level"}, 1},
		{[]string{"completion", "f"}, []string{"fish"}, 1},
		{[]string{"completion", "fish", ""}, nil, 0},
		{[]string{"complete"}, nil, 0}, // what shells ask with is nobody's to type
		{[]string{"nonsense", "--nonsense", "x"}, nil, 0},
	}
	for _, tt := range tests {
		var got []string
		for line := range strings.Lines(ok(t, nil, append([]string{"complete-words", "--"}, tt.words...)...)) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got = append(got, word)
		}
		if len(got) < len(tt.want) || !slices.Equal(got[:len(tt.want)], tt.want) || tt.count >= 0 && len(got) != tt.count {
			t.Errorf("after %q come %q", tt.words, got)
		}
	}
}

// TestCompletionInShells has the shells themselves complete. Those beside bash are tried where they are.
func TestCompletionInShells(t *testing.T) {
	asks := map[string][]string{
		"bash": {"-c", `source "$1" && complete -p parley && COMP_WORDS=(parley mig) COMP_CWORD=1 && _parley && echo "got ${COMPREPLY[*]}" && COMP_WORDS=(parley export --format = c) COMP_CWORD=4 && _parley && echo "got ${COMPREPLY[*]}"`, "bash"},
		"zsh":  {"-fc", `autoload -Uz compinit && compinit -D && source "$1" && _describe() { print got "${(@P)2%%:*}" } && words=(parley mig) CURRENT=2 && _parley && words=(parley export --format c) CURRENT=4 && _parley`, "zsh"},
		"fish": {"--no-config", "-c", `source $argv[1]; echo got (complete -C 'parley mig' | string split -f1 \t); echo got (complete -C 'parley export --format c' | string split -f1 \t)`},
	}
	for shell, args := range asks {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil && shell != "bash" {
				t.Skip("there is no", shell)
			}
			script := writeFile(t, t.TempDir(), "parley."+shell, ok(t, nil, "completion", shell))
			if out, err := exec.Command(shell, "-n", script).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			cmd := exec.Command(shell, append(args, script)...)
			cmd.Env = []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=dumb"}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "got migrate") || !strings.Contains(string(out), "got csv") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestManual: all commands, flags and variables are in the manual page, and it is one.
func TestManual(t *testing.T) {
	page := ok(t, nil, "man")
	plain := strings.ReplaceAll(page, `\-`, "-")
	for line := range strings.Lines(page) {
		if line == "\n" || strings.HasPrefix(line, ".") && !regexp.MustCompile(`^\.(TH|nh|SH|SS|TP|B)\b`).MatchString(line) {
			t.Errorf("a line that man(7) does not know: %q", line)
		}
	}
	for _, want := range []string{".TH \"PARLEY\" \"1\"", ".SS \"serve [flags]\"", ".SS \"keys create", ".SS \"migrate up", "\n.B \"--addr=", "\n.B \"PARLEY_ADDR\"", "\n.B \"DATABASE_URL\"", "--log-level"} {
		if !strings.Contains(plain, want) {
			t.Errorf("there is no %s in\n%s", want, page)
		}
	}
	if strings.Contains(plain, "complete-words") {
		t.Error("it explains what is hidden")
	}
}

func TestVersion(t *testing.T) {
	contract, err := api.Version()
	if err != nil || !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(contract) {
		t.Fatalf("the contract has the version %q, %v", contract, err)
	}
	text := ok(t, nil, "version")
	var v struct{ Version, Commit, Go, Platform, Contract string }
	if err := json.Unmarshal([]byte(ok(t, nil, "version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"parley " + v.Version, v.Commit, v.Go, v.Platform, v.Contract} {
		if part == "" || !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	if v.Contract != contract || v.Go != runtime.Version() {
		t.Errorf("it says %+v", v)
	}
}
