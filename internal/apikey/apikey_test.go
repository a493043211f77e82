package apikey_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/apikey"
)

func TestNew(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key, err := apikey.New(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id, hash, ok := apikey.Parse(key.Text())
		if !ok || id != key.ID || !hash.Equal(key.Hash()) || seen[id] {
			t.Errorf("%s: read back as %q, %v", key, id, ok)
		}
		seen[id] = true
		secret := key.Text()[strings.LastIndex(key.Text(), "_")+1:]
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if strings.Contains(fmt.Sprintf(format, key), secret) {
				t.Errorf("%s shows the secret", format)
			}
		}
	}
	if _, err := apikey.New(bytes.NewReader(nil)); err == nil {
		t.Error("a key was made of nothing")
	}
}

func FuzzParse(f *testing.F) {
	key, err := apikey.New(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{key.Text(), "", "parley_", strings.ToUpper(key.Text()), key.Text() + "a", "parley_aaaaaaaa_\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, hash, ok := apikey.Parse(text)
		if same := hash.Equal(key.Hash()); same != (text == key.Text()) {
			t.Errorf("%q: the same hash as another key: %v", text, same)
		}
		if ok && !strings.HasPrefix(text, "parley_"+id+"_") {
			t.Errorf("%q: id %q", text, id)
		}
	})
}
