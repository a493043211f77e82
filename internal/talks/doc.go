// Package talks is the domain: what a record of each collection is, as JSON, with the words that its fields may use. It
// imports the standard library only.
//
// Glossary
//
//   - Process: a series of rounds of talks, such as Istanbul 2025.
//   - Round: one meeting, over one or more days, in person or by video link.
//   - Delegation: one party's people at one round, with the office each held then.
//   - Party: a state or an organisation. Ids are ISO 3166-1 alpha-2 for states (RU, UA, TR) and acronyms otherwise (ICRC).
//   - Proposal: what one party put forward at a round.
//   - Commitment: what the sides undertook; its targets are numbers by direction.
//   - Claim: a statement by one party that is or may be disputed.
//   - Prisoner exchange: people released on one day; a stage of a larger exchange counts by itself. A prisoner of war (POW)
//     is a captured member of armed forces; others are civilians.
//   - Body repatriation: the handing over of bodies of the dead.
//   - Direction: from one party to another. From RU to UA means: Russia gave, Ukraine received.
//   - Report: a value that someone gave for a figure of a record, with the source. A record's own value is the
//     best-supported one of them.
//   - Published total: a cumulative figure as an official or a medium published it.
//   - Source: a page that records cite.
//   - Changeset: a change of the data set by one author in one transaction; its id is the revision of the whole data set.
//   - Coverage: from when to when the records of a collection run. Outside of it, nothing on record means nothing.
//
// In every type a nil pointer is unknown, a zero is a reported zero, and an empty list means that none is recorded. Days
// are ISO 8601 (2025-07-23), times RFC 3339, counts people or bodies.
package talks
