package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/web"
)

// routes is the whole surface. Every address also answers HEAD and OPTIONS; those of collections and records also with
// the extension of a form: /v1/rounds.csv. What is not below /v1 is for people.
func (s *server) routes() chi.Router {
	r := chi.NewRouter()
	r.Use(s.middleware()...)
	r.NotFound(s.page(s.notFound))
	r.MethodNotAllowed(s.page(s.methodNotAllowed))

	r.Get("/", s.page(s.root))
	r.Get("/explore", s.page(s.explore))
	r.Get("/explore/{collection}", s.page(s.exploreCollection))
	r.Get("/embed/{view}", s.page(s.embed))
	r.Get("/oembed", s.page(s.oembed))
	r.Get("/assets/{name}", s.bare(s.asset))
	r.Get("/robots.txt", s.bare(s.robots))
	r.Get("/sitemap.xml", s.bare(s.sitemap))
	r.Get("/healthz", s.bare(s.healthz))
	r.Get("/readyz", s.bare(s.readyz))
	r.Get("/openapi.yaml", s.bare(s.openapiYAML))
	r.Get("/openapi.json", s.bare(s.openapiJSON))
	r.Get("/docs", s.page(s.documentation))
	r.Get("/docs/*", s.page(s.documentation))
	r.Get("/problems/{kind}", s.bare(s.problemKind))

	r.Get("/v1", s.bare(s.index))
	mount(r, s, store.Processes)
	mount(r, s, store.Rounds)
	mount(r, s, store.Delegations)
	mount(r, s, store.People)
	mount(r, s, store.Parties)
	mount(r, s, store.Proposals)
	mount(r, s, store.Commitments)
	mount(r, s, store.Claims)
	mount(r, s, store.PrisonerExchanges)
	mount(r, s, store.BodyRepatriations)
	mount(r, s, store.PublishedTotals)
	mount(r, s, store.Reports)
	mount(r, s, store.Sources)
	mount(r, s, store.Events)
	mount(r, s, store.Changesets)
	mount(r, s, store.Changes)
	mount(r, s, store.Coverage)
	r.Get(dataPackage, s.page(s.catalogue(render.DataPackageForm, render.DataPackage)))
	r.Get(dataset, s.page(s.catalogue(render.DatasetForm, render.Dataset)))
	r.Get("/v1/search", s.handle(newCollection(s, store.Found).list))
	r.Post("/v1/changesets", s.write(s.postChangeset))
	r.Get("/v1/webhooks", s.administer(s.listWebhooks))
	r.Post("/v1/webhooks", s.administer(s.postWebhook))
	r.Get("/v1/webhooks/{id}", s.administerOne(s.getWebhook))
	r.Patch("/v1/webhooks/{id}", s.administerOne(s.patchWebhook))
	r.Delete("/v1/webhooks/{id}", s.administerOne(s.deleteWebhook))
	r.Post("/v1/webhooks/{id}/rotate", s.administerOne(s.rotateWebhook))
	r.Post("/v1/webhooks/{id}/test", s.administerOne(s.testWebhook))
	r.Get("/v1/{collection}/{id}/history", s.handle(newCollection(s, store.Changes).history))
	return r
}

// mount serves a collection and its records, where they have pages their pages, and where they are written by themselves their
// writes.
func mount(r chi.Router, s *server, t *store.Table) {
	c := newCollection(s, t)
	if web.HasPage(t.Name) {
		r.Get("/"+t.Name+"/{id}", s.page(c.recordPage))
	}
	r.Get("/v1/"+t.Name, s.handle(c.list))
	if t == store.PrisonerExchanges || t == store.BodyRepatriations {
		r.Get("/v1/"+t.Name+"/totals", s.page(c.totals))
	}
	if t == store.Changesets {
		r.Get("/v1/"+t.Name+"/{id}", s.handle(c.changeset))
	} else {
		r.Get("/v1/"+t.Name+"/{id}", s.page(c.record))
	}
	if k := record.Find(t.Name); k != nil && k.PartOf == "" {
		w := &writer{collection: c, kind: k}
		r.Put("/v1/"+t.Name+"/{id}", s.write(w.put))
		r.Patch("/v1/"+t.Name+"/{id}", s.write(w.patch))
		r.Delete("/v1/"+t.Name+"/{id}", s.write(w.delete))
	}
}

// handle serves what minds its deadlines itself.
func (s *server) handle(h handler) http.HandlerFunc {
	h = s.elsewhere(h)
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}
