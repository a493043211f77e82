package store

// Tables are all collections, in the order in which the index lists them.
var Tables = []*Table{
	Processes, Rounds, Delegations, People, Parties, Proposals, Commitments, Claims, PrisonerExchanges, BodyRepatriations,
	PublishedTotals, Reports, Sources, Events, Changesets, Changes, Coverage,
}
