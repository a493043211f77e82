package httpapi

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/elnormous/contenttype"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// offer is the forms that an address has, the one that comes unless another is asked for first.
type offer []*render.Form

// offered are the forms of answers of a kind from a collection.
func offered(k render.Kind, t *store.Table) offer {
	columns, entry := t.Grammar().Fields, t.EntryShape()
	var o offer
	for _, f := range render.Forms {
		if f.Fits(k, columns, entry) {
			o = append(o, f)
		}
	}
	return o
}

// names lists the forms for people.
func (o offer) names() []string {
	names := make([]string, len(o))
	for i, f := range o {
		names[i] = f.Name
	}
	return names
}

// notAcceptable is the error of a form that an address does not have: by the extension, or by the header Accept.
type notAcceptable struct {
	by, asked string
	offer     offer
}

func (e *notAcceptable) Error() string {
	return fmt.Sprintf("%s asks for %s; there is %s", e.by, e.asked, strings.Join(e.offer.names(), ", "))
}

// extension lets the last part of an address below /v1/ name the form, which then wins over Accept. The rest of the
// program sees the address without it. What is written has one form.
func (s *server) extension(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ext := extensionOf(r.URL.Path)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		if ext == "" || !reads || !strings.HasPrefix(r.URL.Path, "/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		r = r.WithContext(r.Context()) // the request and its headers are ours, its address is logged
		if r.URL.Path != dataPackage && r.URL.Path != dataset {
			address := *r.URL
			address.Path, address.RawPath = strings.TrimSuffix(address.Path, ext), ""
			r.URL = &address
		}
		r.Header.Set(byExtension, ext)
		next.ServeHTTP(w, r)
	})
}

// extensionOf is the longest extension that names a form, such as ".csl.json"; if none does, what stands behind the last dot.
func extensionOf(address string) string {
	for rest := path.Base(address); ; {
		i := strings.IndexByte(rest, '.')
		if i < 0 {
			return path.Ext(address)
		}
		if slices.ContainsFunc(render.Forms, func(f *render.Form) bool { return f.Name == rest[i+1:] }) {
			return rest[i:]
		}
		rest = rest[i+1:]
	}
}

// byExtension is the header of a request that holds the extension of its address.
const byExtension = "Parley-Form-By-Extension"

// parametersOfMedia are all but the weight: which charset, or whether with a header, is not a choice that there is.
var parametersOfMedia = regexp.MustCompile(`;\s*(?:[^qQ;,=\s][^;,=]*|[qQ][^;,=]+)=(?:"[^"]*"|[^;,]*)`)

// negotiate chooses the form of an answer.
func (o offer) negotiate(w http.ResponseWriter, r *http.Request) (*render.Form, error) {
	if ext := r.Header.Get(byExtension); ext != "" {
		i := slices.IndexFunc(o, func(f *render.Form) bool { return f.Name == ext[1:] })
		if i < 0 {
			return nil, &notAcceptable{"extension", ext, o}
		}
		return o[i], nil
	}
	w.Header().Add("Vary", "Accept")
	accept := parametersOfMedia.ReplaceAllString(strings.Join(r.Header.Values("Accept"), ","), "")
	if accept == "" {
		return o[0], nil
	}
	available := make([]contenttype.MediaType, len(o))
	for i, f := range o {
		available[i] = contenttype.NewMediaType(f.Media)
	}
	chosen, _, err := contenttype.GetAcceptableMediaTypeFromHeader(accept, available)
	if err != nil {
		return nil, &notAcceptable{"Accept", accept, o}
	}
	return o[slices.IndexFunc(o, func(f *render.Form) bool { return f.Media == chosen.Type+"/"+chosen.Subtype })], nil
}
