// Package webhook tells others of changes by HTTP: what a message says, how it is signed and sent, and the queue in which
// deliveries wait and are tried again. It knows neither who may subscribe nor the API by which they do.
//
// Of each subscription one job at a time is in the queue. It goes through the changesets after the place that the subscription
// has reached, sends what each of them changed within its query, and moves the place only when that was accepted. So the order
// is kept, nothing is left out, and what was sent but not recorded as accepted is sent again, under the same id.
package webhook
