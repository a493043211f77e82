package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit: systemd understands the unit, and finds that it is well shut in, where systemd can be asked.
func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/systemd/parley.service")
	if err != nil {
		t.Fatal(err)
	}
	text := string(unit)
	if !strings.Contains(text, "\nExecStart=/usr/local/bin/parley serve\n") || !strings.Contains(text, "\nType=notify\n") {
		t.Errorf("it does not start parley serve: %s", text)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	// The program must be where the unit says, and so must its manual page.
	text = strings.ReplaceAll(text, "/usr/local/bin/parley", program)
	text = strings.ReplaceAll(text, "Documentation=man:parley(1)\n", "")
	folder := t.TempDir()
	path := writeFile(t, folder, "parley.service", text)
	if out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput(); err != nil || strings.Contains(string(out), filepath.Base(path)) {
		t.Errorf("verify: %v: %s", err, out)
	}
	const most = "15" // of 100; a unit without any of it has 96
	if out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold="+most, path).CombinedOutput(); err != nil {
		t.Errorf("security: %v: %s", err, out)
	}
}
