// Package netbox speaks with NetBox: one small client for all kinds, plugin
// endpoints included, that lists in pages and writes in bulk, and beside it
// the codecs between NetBox's JSON and the domain's values.
//
// The client stands on go-netbox's configuration and is a chain of small
// http.RoundTripper wrappers, from the outside in: read-only guard, limiter,
// observer, deadline, authentication. Retries lie above the chain, where it
// is known whether an answer could be read to its end.
package netbox
