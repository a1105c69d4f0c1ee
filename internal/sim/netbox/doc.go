// Package netboxsim is a NetBox that lives in the memory of the process: an
// http.Handler that answers the REST API as NetBox and the plugin
// netbox-proxbox answer it, fast enough for tests, demonstrations and
// measurements on estates of 50,000 guests.
//
// It is one generic store driven by one table of kinds (table_core.go and
// table_plugin.go). A kind says which fields it has, what they refer to, what
// is unique and which rules NetBox checks before it saves; listing, filtering,
// paging, validation, bulk calls, cascades and the change log are written once
// and work for every kind.
//
// A Profile says which release of NetBox and of the plugin is played.
package netboxsim
