// Package conformance holds what the program relies on in NetBox and in the
// plugin netbox-proxbox, as tests that the real ones and the simulator must
// both pass. They were written against NetBox 4.7.3 with the plugin
// 0.0.29.post6: where one fails on a simulator, the simulator is wrong.
//
// The tests speak through the client where the program does, and raw HTTP
// where the shape of an answer matters. They make objects with names of their
// own and leave them.
//
// Of 4.5 and 4.6 no release could be measured: of them is asked what their
// documentation says and what the program relies on, and not a wording.
package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
)

// Target is a NetBox to be judged.
type Target struct {
	// Endpoint names it, with the token of a superuser.
	Endpoint domain.NetBoxEndpoint
	// Release is what it must say it is: "4.7".
	Release string
	// Plugin tells whether it must have the plugin.
	Plugin bool
	// SyncState tells whether the plugin must have sync-state rows and guest
	// interfaces: the older ones have not.
	SyncState bool
	// Transport carries the requests, where that is not the network.
	Transport http.RoundTripper
}

// Run judges a NetBox.
func Run(t *testing.T, target Target) {
	client, err := netbox.Open(target.Endpoint, netbox.Options{MaxRetries: -1, Transport: target.Transport})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	caps, err := client.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(caps.Release, target.Release+".") {
		t.Fatalf("it says it is NetBox %s and should be %s", caps.Release, target.Release)
	}
	if target.Plugin != (caps.Plugin != "") || caps.SyncState != target.SyncState || caps.GuestInterfaces != target.SyncState {
		t.Fatalf("plugin %q, sync-state rows: %t, guest interfaces: %t", caps.Plugin, caps.SyncState, caps.GuestInterfaces)
	}
	s := &suite{
		T: t, Client: client, caps: caps, names: new(int), mark: fmt.Sprintf("%06x", rand.IntN(1<<24)),
		net: fmt.Sprintf("10.%d.%d.", rand.IntN(256), rand.IntN(256)),
		http: &http.Client{Transport: target.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		authorization: target.Endpoint.Authorization(),
	}
	defer s.http.CloseIdleConnections()
	s.makeVocabulary()

	s.run("access", (*suite).access)
	s.run("bulk create", (*suite).bulkCreate)
	s.run("bulk update", (*suite).bulkUpdate)
	s.run("bulk delete", (*suite).bulkDelete)
	s.run("unique names", (*suite).uniqueNames)
	s.run("values", (*suite).values)
	s.run("pages by id", (*suite).pagesByID)
	s.run("pages by offset", (*suite).pagesByOffset)
	s.run("fields", (*suite).fields)
	s.run("filters", (*suite).filters)
	s.run("tags", (*suite).tags)
	s.run("partial tags", (*suite).partialTags)
	s.run("change log", (*suite).changeLog)
	s.run("custom fields", (*suite).customFields)
	s.run("types of custom fields", (*suite).customTypes)
	s.run("sites", (*suite).sites)
	s.run("disks", (*suite).disks)
	s.run("addresses", (*suite).addresses)
	s.run("MAC addresses", (*suite).macAddresses)
	s.run("VLANs", (*suite).vlans)
	s.run("device interfaces", (*suite).deviceInterfaces)
	s.run("removal", (*suite).removal)
	if target.Plugin {
		s.run("plugin settings", (*suite).pluginSettings)
		s.run("plugin rows", (*suite).pluginRows)
	}
	if target.SyncState {
		s.run("state rows", (*suite).stateRows)
		s.run("guest state", (*suite).guestState)
		s.run("device state", (*suite).deviceState)
		s.run("cluster state", (*suite).clusterState)
		s.run("part state", (*suite).partState)
		s.run("guest interfaces", (*suite).guestInterfaces)
	}
}

// Where the kinds live below /api/.
const (
	tagsPath       = "extras/tags/"
	customPath     = "extras/custom-fields/"
	sitesPath      = "dcim/sites/"
	makersPath     = "dcim/manufacturers/"
	typesPath      = "dcim/device-types/"
	rolesPath      = "dcim/device-roles/"
	platformsPath  = "dcim/platforms/"
	devicesPath    = "dcim/devices/"
	portsPath      = "dcim/interfaces/"
	macsPath       = "dcim/mac-addresses/"
	clusterTypes   = "virtualization/cluster-types/"
	clusterGroups  = "virtualization/cluster-groups/"
	clustersPath   = "virtualization/clusters/"
	guestTypes     = "virtualization/virtual-machine-types/"
	guestsPath     = "virtualization/virtual-machines/"
	disksPath      = "virtualization/virtual-disks/"
	nicsPath       = "virtualization/interfaces/"
	vlansPath      = "ipam/vlans/"
	vlanGroups     = "ipam/vlan-groups/"
	vrfsPath       = "ipam/vrfs/"
	addressesPath  = "ipam/ip-addresses/"
	tenantsPath    = "tenancy/tenants/"
	changesPath    = "core/object-changes/"
	pluginPath     = "plugins/proxbox/"
	endpointsPath  = pluginPath + "endpoints/proxmox/"
	pveClusters    = pluginPath + "proxmox-clusters/"
	pveNodes       = pluginPath + "proxmox-nodes/"
	guestState     = pluginPath + "sync-state/virtual-machines/"
	deviceState    = pluginPath + "sync-state/devices/"
	clusterState   = pluginPath + "sync-state/clusters/"
	diskState      = pluginPath + "sync-state/virtual-disks/"
	nicState       = pluginPath + "sync-state/vm-interfaces/"
	addressState   = pluginPath + "sync-state/ip-addresses/"
	guestNICs      = pluginPath + "guest-vm-interfaces/"
	guestAddresses = pluginPath + "guest-vm-interface-addresses/"
)

// object is the body of a write.
type object = map[string]any

// suite is one test of the suite, with what all of them share.
type suite struct {
	*testing.T
	*netbox.Client
	caps          netbox.Capabilities
	http          *http.Client
	authorization string
	mark, net     string
	names         *int

	// what every test may point at
	site, otherSite, maker, deviceType, role, clusterType, cluster, tenant int
}

func (s *suite) run(name string, test func(*suite)) {
	s.T.Run(name, func(t *testing.T) {
		inner := *s
		inner.T = t
		test(&inner)
	})
}

// name returns a name that no other object has; it is a slug, too.
func (s *suite) name(what string) string {
	*s.names++
	return fmt.Sprintf("%s-%s-%d", what, s.mark, *s.names)
}

// address returns an address that no other run uses, with a mask of 24 bits.
func (s *suite) address() string {
	*s.names++
	return fmt.Sprintf("%s%d/24", s.net, 1+*s.names%250)
}

// named is the body of an object that needs a name and a slug.
func (s *suite) named(what string, more ...object) object {
	n := s.name(what)
	o := object{"name": n, "slug": n}
	for _, m := range more {
		for k, v := range m {
			o[k] = v
		}
	}
	return o
}

func (s *suite) makeVocabulary() {
	s.site = s.make(sitesPath, s.named("site"))
	s.otherSite = s.make(sitesPath, s.named("site"))
	s.maker = s.make(makersPath, s.named("maker"))
	s.deviceType = s.make(typesPath, object{"manufacturer": s.maker, "model": s.name("model"), "slug": s.name("model")})
	s.role = s.make(rolesPath, s.named("role"))
	s.clusterType = s.make(clusterTypes, s.named("type"))
	s.cluster = s.make(clustersPath, object{"name": s.name("cluster"), "type": s.clusterType})
	s.tenant = s.make(tenantsPath, s.named("tenant"))
}

// make creates one object and returns its id.
func (s *suite) make(path string, o object) int {
	s.Helper()
	return s.makeAll(path, o)[0]
}

// makeAll creates objects in one request and returns their ids.
func (s *suite) makeAll(path string, objects ...object) []int {
	s.Helper()
	raw, err := s.Create(s.Context(), path, objects)
	if err != nil {
		s.Fatal(err)
	}
	return idsOf(raw)
}

func (s *suite) guest(more ...object) int {
	s.Helper()
	o := object{"name": s.name("vm"), "cluster": s.cluster}
	for _, m := range more {
		for k, v := range m {
			o[k] = v
		}
	}
	return s.make(guestsPath, o)
}

func (s *suite) nic(guest int) int {
	s.Helper()
	return s.make(nicsPath, object{"virtual_machine": guest, "name": s.name("net")})
}

func (s *suite) device(site int, more ...object) int {
	s.Helper()
	o := object{"name": s.name("node"), "device_type": s.deviceType, "role": s.role, "site": site}
	for _, m := range more {
		for k, v := range m {
			o[k] = v
		}
	}
	return s.make(devicesPath, o)
}

// change sets fields of one object.
func (s *suite) change(path string, id int, fields object) {
	s.Helper()
	if err := s.try(path, id, fields); err != nil {
		s.Fatal(err)
	}
}

// try is change, and returns the refusal.
func (s *suite) try(path string, id int, fields object) error {
	body := object{"id": id}
	for k, v := range fields {
		body[k] = v
	}
	_, err := s.Update(s.Context(), path, []object{body})
	return err
}

// read returns fields of one object.
func (s *suite) read(path string, id int, fields ...string) object {
	s.Helper()
	q := url.Values{}
	if len(fields) > 0 {
		q.Set("fields", strings.Join(fields, ","))
	}
	raw, err := s.Get(s.Context(), fmt.Sprintf("%s%d/", path, id), q)
	if err != nil {
		s.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		s.Fatal(err)
	}
	return o
}

// field returns one field of one object; of a reference its id, of a choice
// its value.
func (s *suite) field(path string, id int, field string) any {
	s.Helper()
	return flat(s.read(path, id, field)[field])
}

func flat(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if id, ok := v["id"]; ok {
			return flat(id)
		}
		if value, ok := v["value"]; ok {
			return value
		}
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = flat(x)
		}
		return out
	case float64:
		if v == float64(int(v)) {
			return int(v)
		}
	}
	return v
}

// list returns the ids that a list answers.
func (s *suite) list(path string, query url.Values) []int {
	s.Helper()
	ids, err := s.tryList(path, query)
	if err != nil {
		s.Fatal(err)
	}
	return ids
}

func (s *suite) tryList(path string, query url.Values) ([]int, error) {
	q := url.Values{"fields": {"id"}}
	for k, v := range query {
		q[k] = v
	}
	ids := []int{}
	err := s.List(s.Context(), path, q, func(raw json.RawMessage) error {
		ids = append(ids, idsOf([]json.RawMessage{raw})...)
		return nil
	})
	return ids, err
}

// gone tells whether an object is not there any more.
func (s *suite) gone(path string, id int) bool {
	s.Helper()
	_, err := s.Get(s.Context(), fmt.Sprintf("%s%d/", path, id), nil)
	if status := (*netbox.StatusError)(nil); errors.As(err, &status) && status.NotFound() {
		return true
	}
	if err != nil {
		s.Fatal(err)
	}
	return false
}

// refuses checks that a bulk write is refused for one object's field: from
// 4.7 on with just this message; before, where the guilty object may not be
// named, at least not for another one.
func (s *suite) refuses(err error, index int, field, message string) {
	s.Helper()
	var refused *netbox.BatchError
	if !errors.As(err, &refused) {
		s.Errorf("want a refusal with %q, got %v", message, err)
		return
	}
	if !s.caps.ErrorLists {
		if len(refused.Items) > 0 && refused.Items[index] == nil || len(refused.Items) == 0 && len(refused.Fields) == 0 {
			s.Errorf("want object %d to be refused, got %v", index, err)
		}
		return
	}
	if d := cmp.Diff(map[int]netbox.ItemError{index: {field: {message}}}, refused.Items); d != "" {
		s.Errorf("refusal (-want +got): %s", d)
	}
}

// refusesMake checks that one object cannot be made.
func (s *suite) refusesMake(path string, o object, field, message string) {
	s.Helper()
	_, err := s.Create(s.Context(), path, []object{o})
	s.refuses(err, 0, field, message)
}

// refusesChange checks that one object cannot be changed so.
func (s *suite) refusesChange(path string, id int, fields object, field, message string) {
	s.Helper()
	s.refuses(s.try(path, id, fields), 0, field, message)
}

// conflicts checks for a plugin's refusal by 409, which says the reason and
// not whose it is.
func (s *suite) conflicts(err error, field, message string) {
	s.Helper()
	var refused *netbox.BatchError
	if !errors.As(err, &refused) || refused.Code != http.StatusConflict {
		s.Errorf("want a conflict, got %v", err)
		return
	}
	got := refused.Fields
	if len(refused.Items) == 1 {
		got = refused.Items[0]
	}
	if d := cmp.Diff(netbox.ItemError{field: {message}}, got); d != "" {
		s.Errorf("conflict (-want +got): %s", d)
	}
}

// answer is a raw answer.
type answer struct {
	status int
	header http.Header
	text   string
	doc    any // nil when it is not JSON
}

// object returns the document as an object; an empty one when it is none.
func (a answer) object() object {
	o, _ := a.doc.(map[string]any)
	return o
}

func (a answer) String() string {
	text := a.text
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return fmt.Sprintf("%d %s", a.status, text)
}

// send sends a raw request; body may be a string, which goes as it is.
func (s *suite) send(method, path string, body any) answer {
	s.Helper()
	return s.sendAs(s.Context(), s.authorization, method, path, body)
}

func (s *suite) sendAs(ctx context.Context, authorization, method, path string, body any) answer {
	s.Helper()
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			s.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL()+"/api/"+path, content)
	if err != nil {
		s.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(raw)}
	if json.Unmarshal(raw, &a.doc) != nil {
		a.doc = nil
	}
	return a
}

func idsOf(raw []json.RawMessage) []int {
	out := make([]int, len(raw))
	for i, r := range raw {
		var o struct {
			ID int `json:"id"`
		}
		if json.Unmarshal(r, &o) == nil {
			out[i] = o.ID
		}
	}
	return out
}

func sorted(ids []int) []int {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

// equal reports two values that differ.
func (s *suite) equal(what string, got, want any) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Errorf("%s (-want +got): %s", what, d)
	}
}
