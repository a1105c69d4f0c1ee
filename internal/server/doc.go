// Package server is the service on HTTP: REST and server-sent events in the
// shapes that the netbox-proxbox plugin expects, with authentication, limits
// and an OpenAPI document made from the handlers' own types. It holds no rule
// of a sync; it starts runs and tells what happens in them.
package server

//go:generate go run ./genapi ../../api/openapi.json
