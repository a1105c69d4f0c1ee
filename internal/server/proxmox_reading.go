package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
)

// patience is how long a request waits for Proxmox. The plugin waits a little
// longer, so that it gets a reason in place of nothing.
type patience struct {
	card time.Duration // of a card, and of what tells whether an endpoint is there
	page time.Duration // of a page of the plugin
	tab  time.Duration // of its page of the HA stack, which reads more
	job  time.Duration // of one of its jobs, or of anybody else
}

var defaultPatience = patience{card: 3500 * time.Millisecond, page: 7 * time.Second, tab: 12 * time.Second, job: 25 * time.Second}

// reading is the reading of endpoints for one request.
type reading struct {
	server   *Server
	sources  []*source
	deadline time.Time

	mu     sync.Mutex
	oldest time.Time // of the kept answers that had to do
	failed []string  // ids of endpoints that could not be read
}

// source is an endpoint within a reading.
type source struct {
	*reader
	reading *reading
}

// read begins a reading of the endpoints that a request means.
func (s *Server) read(ctx context.Context, query url.Values, patience time.Duration) (*reading, error) {
	endpoints, err := s.endpointsOf(ctx, query)
	if err != nil {
		return nil, err
	}
	r := s.readingOf(endpoints, patience)
	if name := query.Get("cluster_name"); name != "" {
		return r, r.narrow(ctx, name)
	}
	return r, nil
}

func (s *Server) readingOf(endpoints []domain.ProxmoxEndpoint, patience time.Duration) *reading {
	r := &reading{server: s, deadline: time.Now().Add(patience)}
	for _, ep := range endpoints {
		known, err := s.readers.of(ep)
		if err != nil { // its row cannot be used
			s.log.Warn("a Proxmox endpoint cannot be opened", "error", clean(err.Error()))
			known = &reader{readers: &s.readers, ep: ep}
		}
		r.sources = append(r.sources, &source{known, r})
	}
	return r
}

// narrow leaves the endpoints that read the cluster of a name.
func (r *reading) narrow(ctx context.Context, cluster string) error {
	names, err := each(ctx, r, func(ctx context.Context, src *source) (*source, error) {
		id, err := src.identity(ctx)
		if err == nil && id.name != cluster {
			return nil, nil
		}
		return src, err
	})
	if err != nil {
		return err
	}
	r.sources = slices.DeleteFunc(names, func(src *source) bool { return src == nil })
	if len(r.sources) == 0 {
		return fail(http.StatusNotFound, "No Proxmox endpoint reads a cluster %q; GET /proxmox/cluster/status shows those that are read.", cluster)
	}
	return nil
}

// get reads a path of the endpoint.
func (src *source) get(ctx context.Context, path string, query url.Values) (answer, error) {
	if src.client == nil {
		_, err := src.open(src.ep)
		if err != nil {
			err = fail(http.StatusBadGateway, "%s", sentence(err))
		}
		return answer{}, err
	}
	a, err := src.read(ctx, src.reading.deadline, path, query)
	if err == nil {
		src.reading.used(a)
	}
	return a, err
}

// used notes how old an answer is.
func (r *reading) used(a answer) {
	if !a.kept {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.oldest.IsZero() || a.at.Before(r.oldest) {
		r.oldest = a.at
	}
}

func (src *source) object(ctx context.Context, path string, query url.Values) (row, error) {
	a, err := src.get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	r, err := decodeObject(a.data)
	return r, src.notUnderstood(path, err)
}

func (src *source) list(ctx context.Context, path string, query url.Values) ([]row, error) {
	a, err := src.get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	rows, err := decodeList(a.data)
	return rows, src.notUnderstood(path, err)
}

// notUnderstood is an answer that has not the form that it should have.
func (src *source) notUnderstood(path string, err error) error {
	if err == nil {
		return nil
	}
	return &proxmox.EndpointError{
		Endpoint: src.ep.Name, Address: "https://" + src.client.Address(), Path: path, Cause: proxmox.CauseAnswer,
		WayOut: "check that the endpoint's address and port are those of a Proxmox VE API", Err: err,
	}
}

// each reads something of every endpoint, side by side. One that fails costs
// only itself, unless there is no other.
func each[T any](ctx context.Context, r *reading, read func(context.Context, *source) (T, error)) ([]T, error) {
	values, errs := make([]T, len(r.sources)), make([]error, len(r.sources))
	var wait sync.WaitGroup
	for i, src := range r.sources {
		wait.Go(func() { values[i], errs[i] = read(ctx, src) })
	}
	wait.Wait()
	out := make([]T, 0, len(values))
	var failed []error
	for i, err := range errs {
		if err == nil {
			out = append(out, values[i])
			continue
		}
		failed = append(failed, err)
		r.lost(ctx, r.sources[i], err)
	}
	if len(out) == 0 && len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	return out, nil
}

// flat is each for what gives several of a kind.
func flat[T any](ctx context.Context, r *reading, read func(context.Context, *source) ([]T, error)) ([]T, error) {
	lists, err := each(ctx, r, read)
	if err != nil {
		return nil, err
	}
	out := []T{}
	for _, list := range lists {
		out = append(out, list...)
	}
	return out, nil
}

// lost notes an endpoint of which something could not be read.
func (r *reading) lost(ctx context.Context, src *source, err error) {
	r.server.log.WarnContext(ctx, "a Proxmox endpoint could not be read", "request", requestID(ctx), "endpoint", src.ep.Name, "error", clean(err.Error()))
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := strconv.Itoa(src.ep.ID); !slices.Contains(r.failed, id) {
		r.failed = append(r.failed, id)
		slices.Sort(r.failed)
	}
}

// said is what Proxmox said, and what is to be known about it.
type said[T any] struct {
	Stale  string `header:"X-Proxbox-Stale" doc:"How many seconds old the answer is, where Proxmox was too slow to give another."`
	Failed string `header:"X-Proxbox-Failed" doc:"The ids of the endpoints that are missing in the answer because they could not be read."`
	Body   T      `nullable:"false"`
}

func say[T any](r *reading, body T) *said[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &said[T]{Failed: strings.Join(r.failed, ","), Body: body}
	if !r.oldest.IsZero() {
		out.Stale = strconv.Itoa(int(time.Since(r.oldest).Seconds()))
	}
	return out
}

// saidMaybe is said for what may be null.
type saidMaybe[T any] struct {
	Stale  string `header:"X-Proxbox-Stale"`
	Failed string `header:"X-Proxbox-Failed"`
	Body   maybe[T]
}

// answeredFirst is the first of a list, null for an empty one, or the error.
func answeredFirst[T any](r *reading, all []T, err error) (*saidMaybe[T], error) {
	if err != nil {
		return nil, err
	}
	var first maybe[T]
	if len(all) > 0 {
		first.value = &all[0]
	}
	out := say(r, first)
	return &saidMaybe[T]{out.Stale, out.Failed, out.Body}, nil
}

// readRoute registers a route that reads Proxmox.
func readRoute[I, O any](s *Server, path, summary string, handle func(context.Context, *I) (*O, error), errs ...int) {
	op := operation(http.MethodGet, path, "proxmox", "read-"+cmp.Or(operationID(path), "root"), summary,
		append(errs, http.StatusNotFound, http.StatusConflict, http.StatusBadGateway, http.StatusGatewayTimeout)...)
	op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/proxmox_endpoint_ids"})
	for _, p := range readParams() {
		op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + p.Name})
	}
	register(s, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, readProblem(ctx, err)
		}
		return out, nil
	})
}

// flatRoute registers a route that answers what every endpoint has of a kind, in
// one list.
func flatRoute[T any](s *Server, path, summary string, patience time.Duration, read func(context.Context, *source) ([]T, error)) {
	readRoute(s, path, summary, func(ctx context.Context, in *readInput) (*said[[]T], error) {
		r, err := s.read(ctx, in.query, patience)
		if err != nil {
			return nil, err
		}
		out, err := flat(ctx, r, read)
		return answered(r, out, err)
	})
}

// listRoute registers a route that answers a list of each cluster in one; a
// cluster whose release does not have the list has nothing in it.
func listRoute[T any](s *Server, path, summary, asked string, show func(cluster string, in row) T) {
	flatRoute(s, path, summary, s.waits.tab, func(ctx context.Context, src *source) ([]T, error) {
		id, rows, err := named(ctx, src, func() ([]row, error) { return src.listIfAny(ctx, asked) })
		return mapped(rows, func(in row) T { return show(id.name, in) }), err
	})
}

// objectRoute registers a route that answers one object of each cluster whose
// release has it.
func objectRoute[T any](s *Server, path, summary, asked string, show func(cluster string, in row) T) {
	flatRoute(s, path, summary, s.waits.tab, func(ctx context.Context, src *source) ([]T, error) {
		id, found, err := named(ctx, src, func() (row, error) { return src.object(ctx, asked, nil) })
		if absent(err) {
			return nil, nil
		}
		return []T{show(id.name, found)}, err
	})
}

// maybe is an object, or null.
type maybe[T any] struct{ value *T }

// MarshalJSON implements json.Marshaler.
func (m maybe[T]) MarshalJSON() ([]byte, error) { return json.Marshal(m.value) }

// Schema implements huma.SchemaProvider.
func (maybe[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), false, "")
	s.Nullable = true
	return &s
}

// readProblem is the answer for what Proxmox did not give. What is not there is
// 404; everything else is between us and Proxmox.
func readProblem(ctx context.Context, err error) error {
	var (
		ours   *Error
		failed *proxmox.EndpointError
	)
	if errors.Is(err, proxmox.ErrBadPath) {
		return invalid("path", "path", err.Error())
	}
	if errors.As(err, &ours) || ctx.Err() != nil || !errors.As(err, &failed) {
		return err
	}
	status := http.StatusBadGateway
	if failed.Timeout() {
		status = http.StatusGatewayTimeout
	}
	if proxmox.NotExist(err) {
		status = http.StatusNotFound
	}
	e := fail(status, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	e.Message = "Proxmox could not be read"
	return e
}

// absent tells whether a release of Proxmox does not have what was asked for.
func absent(err error) bool {
	var status *proxmox.StatusError
	return errors.As(err, &status) && (status.Code == http.StatusNotImplemented || proxmox.NotExist(err) ||
		strings.Contains(status.Message+status.Reason, "migrated to rules"))
}

// optional tells whether Proxmox refused a read for what it is: its release
// does not have it, or the token may not see it.
func optional(err error) bool { return absent(err) || proxmox.Forbidden(err) }

// clusterIdentity is what an endpoint reads: a cluster, or a host by itself.
type clusterIdentity struct{ name, mode string }

const (
	modeCluster    = "cluster"
	modeStandalone = "standalone"
	modeRestricted = "restricted" // we may not see what it is
)

// identity names what the endpoint reads. The name seldom changes, so that one
// of a minute ago will do.
func (src *source) identity(ctx context.Context) (clusterIdentity, error) {
	if a, ok := src.recent("/cluster/status"); ok {
		if rows, err := decodeList(a.data); err == nil {
			return identityOf(src.ep, rows), nil
		}
	}
	rows, err := src.status(ctx)
	return identityOf(src.ep, rows), err
}

func (src *source) recent(path string) (answer, bool) {
	if src.client == nil {
		return answer{}, false
	}
	return src.last(path, freshFor)
}

// status are the rows of /cluster/status, or, for a token that may not see
// them, what /nodes says of the same.
func (src *source) status(ctx context.Context) ([]row, error) {
	rows, err := src.list(ctx, "/cluster/status", nil)
	if !proxmox.Forbidden(err) {
		return rows, err
	}
	listed, err := src.list(ctx, "/nodes", nil)
	if err != nil {
		return nil, err
	}
	rows = []row{}
	for _, n := range listed {
		rows = append(rows, row{"type": "node", "id": "node/" + n.word("node"), "name": n.word("node"), "online": n.word("status") == "online",
			"level": n.word("level"), "restricted": true})
	}
	return rows, nil
}

func identityOf(ep domain.ProxmoxEndpoint, rows []row) clusterIdentity {
	var nodes []row
	for _, r := range rows {
		switch r.word("type") {
		case "cluster":
			return clusterIdentity{cmp.Or(r.word("name"), ep.Host()), modeCluster}
		case "node":
			nodes = append(nodes, r)
		}
	}
	switch {
	case len(nodes) == 1 && nodes[0].word("name") != "":
		mode := modeStandalone
		if or(nodes[0].truth("restricted")) {
			mode = modeRestricted
		}
		return clusterIdentity{nodes[0].word("name"), mode}
	case len(nodes) > 0 && or(nodes[0].truth("restricted")):
		return clusterIdentity{ep.Host(), modeRestricted}
	}
	return clusterIdentity{ep.Host(), modeCluster}
}

// named reads something and what it belongs to, side by side.
func named[T any](ctx context.Context, src *source, read func() (T, error)) (clusterIdentity, T, error) {
	var (
		wait  sync.WaitGroup
		id    clusterIdentity
		idErr error
	)
	wait.Go(func() { id, idErr = src.identity(ctx) })
	value, err := read()
	wait.Wait()
	return id, value, cmp.Or(err, idErr)
}

// address is where the endpoint is, for nodes of which Proxmox does not say it.
// The plugin sends 127.0.0.1 for an endpoint that has only a domain.
func (src *source) address(ctx context.Context) string {
	ip, err := netip.ParseAddr(bareAddress(src.ep.IPAddress))
	if src.ep.Domain == "" || err == nil && !ip.IsLoopback() {
		return bareAddress(src.ep.IPAddress)
	}
	bounded, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(bounded, "ip", src.ep.Domain)
	if err != nil || len(found) == 0 {
		return bareAddress(src.ep.IPAddress)
	}
	return found[0].Unmap().String()
}
