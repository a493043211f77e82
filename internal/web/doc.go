// Package web makes the pages that people read: the talks at a glance, a page for each record, and any query as a form and a
// table. It is given what to show, in the types of package talks, and returns HTML. It knows neither the database nor HTTP.
//
// Pages need no script; where one is there, it only saves steps. Everything they load is in the program. The words on them
// claim no more than the records do.
package web
