// Package netboxsim is a NetBox that lives in the memory of the process: an
// http.Handler that answers the REST API as NetBox and the plugin
// netbox-proxbox answer it, fast enough for tests, demonstrations and
// measurements on estates of 50,000 guests.
//
//	sim := netboxsim.New(netboxsim.NetBox47)
//	server := httptest.NewServer(sim)       // over a socket, or
//	opts.Transport = sim.Transport()        // in process, whatever the host
//
// Requests need "Authorization: Token " + [Token], or what [WithToken] and
// [WithTokenV2] set. A [Profile] says which release of NetBox and of the
// plugin is played. [WithClock] makes time stamps repeatable, [WithCost] makes
// the server as slow as a real one, and [Server.SetFault] lets single requests
// fail, stall or lose their answer.
//
// [Server.Seed], [Server.Patch] and [Server.Delete] act as a person would
// beside the program: validated and in the change log, but not counted. What
// the plugin itself writes is seeded likewise:
//
//	sim.Seed("endpoints/proxmox", map[string]any{"name": "pve", "domain": "pve.example.org", "mode": "cluster"})
//	sim.Seed("proxmox-clusters", map[string]any{"name": "c", "endpoint": 1, "mode": "cluster"})
//	sim.Seed("proxmox-nodes", map[string]any{"name": "n1", "endpoint": 1, "proxmox_cluster": 1, "ip_address": "192.0.2.1"})
//
// [Server.Stats] counts requests and written objects, [Server.Objects] and
// [Server.Dump] show what there is, and the change log is where NetBox has it,
// at /api/core/object-changes/.
//
// Inside it is one generic store driven by one table of kinds (table_*.go).
// A kind says which fields it has, what they refer to,
// what is unique and which rules NetBox checks before it saves; listing,
// filtering, paging, validation, bulk calls, cascades and the change log are
// written once and work for every kind. A field that the simulator does not
// keep refuses every value but its empty one, so that nothing is forgotten in
// silence.
//
// It passes the suite of the package conformance, as NetBox does, and answers
// the requests of test/conformance in the same words.
package netboxsim
