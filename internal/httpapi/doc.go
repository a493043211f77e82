// Package httpapi is the API's surface: routes, negotiation of forms, validators, problems. What a collection is and how
// it is read stands in package store, how an answer is written in package render; this package only brings them together.
package httpapi
