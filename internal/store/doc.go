// Package store keeps in SQLite what the program must know before it can ask
// anyone: the endpoints and their credentials, the API keys, failed
// authentication, and the history of runs. What a run must remember about
// NetBox's objects is kept in NetBox, so that this database may be lost
// without harm to what was synchronised.
package store
