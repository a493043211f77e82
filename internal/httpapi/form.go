package httpapi

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/elnormous/contenttype"

	"github.com/parley-api/parley/internal/store"
)

// form is a representation of collections and records.
type form struct {
	name    string // and extension
	media   string // type/subtype
	header  string // Content-Type
	layout  store.Form
	unpaged bool // complete unless limit is given
}

// forms are the representations that there are, the preferred one first.
var forms = []*form{
	{name: "json", media: "application/json", header: "application/json", layout: store.Nested},
	{name: "csv", media: "text/csv", header: "text/csv; charset=utf-8; header=present", layout: store.Flat, unpaged: true},
	{name: "ndjson", media: "application/x-ndjson", header: "application/x-ndjson", layout: store.Nested, unpaged: true},
}

// formNames lists the forms for people.
func formNames() []string {
	names := make([]string, len(forms))
	for i, f := range forms {
		names[i] = f.name
	}
	return names
}

// notAcceptable is the error of a form that we do not have: by the extension, or by the header Accept.
type notAcceptable struct{ by, asked string }

func (e *notAcceptable) Error() string {
	return fmt.Sprintf("%s asks for %s; there is %s", e.by, e.asked, strings.Join(formNames(), ", "))
}

// extension lets the last part of an address below /v1/ name the form, which then wins over Accept. The rest of the
// program sees the address without it. What is written has one form.
func (s *server) extension(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ext := path.Ext(r.URL.Path)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		if ext == "" || !reads || !strings.HasPrefix(r.URL.Path, "/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		i := slices.IndexFunc(forms, func(f *form) bool { return f.name == ext[1:] })
		if i < 0 {
			s.fail(w, r, &notAcceptable{"extension", ext})
			return
		}
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = strings.TrimSuffix(r.URL.Path, ext), ""
		r.Header.Set("Accept", forms[i].media)
		r.Header.Set(byExtension, "true")
		next.ServeHTTP(w, r)
	})
}

// byExtension marks a request whose form the address names.
const byExtension = "Parley-Form-By-Extension"

// parametersOfMedia are all but the weight: which charset, or whether with a header, is not a choice that there is.
var parametersOfMedia = regexp.MustCompile(`;\s*(?:[^qQ;,=\s][^;,=]*|[qQ][^;,=]+)=(?:"[^"]*"|[^;,]*)`)

// negotiate chooses the form of an answer.
func negotiate(w http.ResponseWriter, r *http.Request) (*form, error) {
	if r.Header.Get(byExtension) == "" {
		w.Header().Add("Vary", "Accept")
	}
	accept := parametersOfMedia.ReplaceAllString(strings.Join(r.Header.Values("Accept"), ","), "")
	if accept == "" {
		return forms[0], nil
	}
	available := make([]contenttype.MediaType, len(forms))
	for i, f := range forms {
		available[i] = contenttype.NewMediaType(f.media)
	}
	chosen, _, err := contenttype.GetAcceptableMediaTypeFromHeader(accept, available)
	if err != nil {
		return nil, &notAcceptable{"Accept", accept}
	}
	return forms[slices.IndexFunc(forms, func(f *form) bool { return f.media == chosen.Type+"/"+chosen.Subtype })], nil
}
