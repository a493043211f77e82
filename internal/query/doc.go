// Package query is the list grammar of the URL: it turns the parameters of a request into a checked [List], or says
// exactly what is wrong with them.
//
//	party=UA            equals                      party=UA,TR     any of
//	party.not=RU        none of                     venue.known=no  … is written true or false
//	date=2025-05-16     that day                    date=2025-07    all that month
//	date=2025-06-02..   from that day on            total=100..500  inclusive
//	q=working groups    full text                   sort=-date      newest first
//	limit=50  cursor=…  pages                       fields=id,date  only these
//
// A value that contains a comma or a quotation mark is put in quotation marks, doubled inside: said_by="Kyiv, Lviv".
//
// The package is pure: it knows neither HTTP nor SQL. What may be asked of a collection it learns from a [Grammar].
package query
