package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// query makes a query of pairs of names and values.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return q
}

// tagged makes guests that carry a tag of their own, and returns both.
func (s *suite) tagged(count int) (slug string, ids []int) {
	s.Helper()
	tag := s.named("tag")
	id := s.make(tagsPath, tag)
	var objects []object
	for range count {
		objects = append(objects, object{"name": s.name("vm"), "cluster": s.cluster, "tags": []int{id}})
	}
	return tag["slug"].(string), s.makeAll(guestsPath, objects...)
}

type listAnswer struct {
	Count   *int
	Next    *string
	Results []struct{ ID int }
}

func (s *suite) page(path string) listAnswer {
	s.Helper()
	a := s.send("GET", path, nil)
	var p listAnswer
	if err := json.Unmarshal([]byte(a.text), &p); a.status != http.StatusOK || err != nil {
		s.Fatalf("%s: %s", path, a)
	}
	return p
}

func (p listAnswer) ids() []int {
	out := []int{}
	for _, r := range p.Results {
		out = append(out, r.ID)
	}
	return out
}

// nextParam returns a parameter of the link to the next page; "" without one.
func (p listAnswer) nextParam(name string) string {
	if p.Next == nil {
		return ""
	}
	u, err := url.Parse(*p.Next)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// pagesByID is start=, where there is one.
func (s *suite) pagesByID() {
	slug, ids := s.tagged(5)
	list := guestsPath + "?fields=id&tag=" + slug
	if !s.caps.Cursor {
		// An unknown parameter is passed over, and the count tells.
		if p := s.page(list + "&start=0&limit=2"); p.Count == nil {
			s.Error("pages by id on a release that has none")
		}
		return
	}
	p := s.page(list + "&start=0&limit=2")
	if p.Count != nil {
		s.Errorf("the count is %d", *p.Count)
	}
	s.equal("the first page", p.ids(), ids[:2])
	s.equal("where the next one starts", p.nextParam("start"), strconv.Itoa(ids[1]+1))
	s.equal("its filter", p.nextParam("tag"), slug)
	p = s.page(fmt.Sprintf("%s&start=%d&limit=2", list, ids[4]))
	s.equal("the last page", p.ids(), ids[4:])
	if p.Next != nil {
		s.Errorf("a short page has a next one: %s", *p.Next)
	}
	p = s.page(fmt.Sprintf("%s&start=%d&limit=1", list, ids[4]))
	s.equal("a full last page", p.ids(), ids[4:])
	s.equal("where the empty page after it starts", p.nextParam("start"), strconv.Itoa(ids[4]+1))
	s.equal("it", s.page(fmt.Sprintf("%s&start=%d", list, ids[4]+1)).ids(), []int{})
	for _, bad := range []string{"start=0&offset=0", "start=0&ordering=id", "start=-1", "start=x"} {
		if a := s.send("GET", list+"&"+bad, nil); a.status != http.StatusBadRequest {
			s.Errorf("%s: %s", bad, a)
		}
	}
	s.equal("through the client", s.list(guestsPath, query("tag", slug)), ids)
}

// pagesByOffset is what the older releases have, and every list with an order.
func (s *suite) pagesByOffset() {
	slug, ids := s.tagged(5)
	list := guestsPath + "?fields=id&ordering=id&tag=" + slug
	p := s.page(list + "&limit=2")
	if p.Count == nil || *p.Count != 5 {
		s.Fatalf("count %v", p.Count)
	}
	s.equal("the first page", p.ids(), ids[:2])
	s.equal("the next one's offset", p.nextParam("offset"), "2")
	p = s.page(list + "&limit=2&offset=4")
	s.equal("the last page", p.ids(), ids[4:])
	if p.Next != nil || *p.Count != 5 {
		s.Errorf("the last page: count %d, next %v", *p.Count, p.Next)
	}
	s.equal("beyond the end", s.page(list+"&limit=2&offset=9").ids(), []int{})
	s.equal("no limit asked for", s.page(list+"&limit=0").ids(), ids)
	newest := slices.Clone(ids)
	slices.Reverse(newest)
	s.equal("the newest first", s.list(guestsPath, query("tag", slug, "ordering", "-id")), newest)
	s.change(guestsPath, ids[2], object{"memory": 1})
	s.equal("the last changed first", s.list(guestsPath, query("tag", slug, "ordering", "-last_updated"))[0], ids[2])

	// MAX_PAGE_SIZE is 1000: more is asked for in vain.
	if p := s.page(guestsPath + "?fields=id&limit=5000&offset=0"); p.Next != nil && len(p.Results) != 1000 {
		s.Errorf("a page of %d rows", len(p.Results))
	}
}

// fields narrows the answer of a GET.
func (s *suite) fields() {
	id := s.guest()
	s.equal("two fields", slices.Sorted(keys(s.read(guestsPath, id, "name", "id"))), []string{"id", "name"})
	s.equal("a field that is none", s.read(guestsPath, id, "id", "no_such_field"), object{"id": float64(id)})
	full := s.read(guestsPath, id)
	for _, name := range []string{"id", "url", "display", "name", "status", "cluster", "device", "site", "role", "platform", "tenant", "vcpus", "memory",
		"disk", "primary_ip4", "primary_ip6", "tags", "custom_fields", "created", "last_updated", "interface_count", "virtual_disk_count"} {
		if _, ok := full[name]; !ok {
			s.Errorf("a guest has no %s", name)
		}
	}
	a := s.send("GET", fmt.Sprintf("%s?id=%d&brief=true", guestsPath, id), nil)
	results, _ := a.object()["results"].([]any)
	if len(results) != 1 {
		s.Fatal(a)
	}
	s.equal("brief", slices.Sorted(keys(results[0].(object))), []string{"description", "display", "id", "name", "url"})
	a = s.send("GET", fmt.Sprintf("%s?id=%d&omit=custom_fields,tags", guestsPath, id), nil)
	results, _ = a.object()["results"].([]any)
	if len(results) != 1 {
		s.Fatal(a)
	}
	if o := results[0].(object); o["custom_fields"] != nil || o["tags"] != nil || o["name"] == nil {
		s.Errorf("omit: %v", o)
	}
}

func keys(o object) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range o {
			if !yield(k) {
				return
			}
		}
	}
}

// filters are those that the program uses.
func (s *suite) filters() {
	slug, ids := s.tagged(3)
	s.equal("tag", s.list(guestsPath, query("tag", slug)), ids)
	other, more := s.tagged(1)
	s.equal("two tags are both wanted", s.list(guestsPath, query("tag", slug, "tag", other)), []int{})
	s.equal("another tag", s.list(guestsPath, query("tag", other)), more)
	s.equal("ids", s.list(guestsPath, query("id", strconv.Itoa(ids[0]), "id", strconv.Itoa(ids[2]), "id", strconv.Itoa(vanished))), []int{ids[0], ids[2]})
	s.equal("id__gt", s.list(guestsPath, query("tag", slug, "id__gt", strconv.Itoa(ids[1]))), ids[2:])
	s.equal("id__gte", s.list(guestsPath, query("tag", slug, "id__gte", strconv.Itoa(ids[1]))), ids[1:])
	s.equal("a name", s.list(guestsPath, query("name", s.field(guestsPath, ids[1], "name").(string))), ids[1:2])
	s.equal("a filter that is none", s.list(guestsPath, query("tag", slug, "no_such_filter", "1")), ids)
	s.equal("the slug of a tag", len(s.list(tagsPath, query("slug", slug))), 1)

	before := s.field(guestsPath, ids[1], "last_updated").(string)
	s.change(guestsPath, ids[1], object{"memory": 77})
	after := s.field(guestsPath, ids[1], "last_updated").(string)
	if after <= before {
		s.Errorf("last_updated went from %s to %s", before, after)
	}
	s.equal("last_updated__gte", s.list(guestsPath, query("tag", slug, "last_updated__gte", after)), ids[1:2])
	s.equal("last_updated__gte in the future", s.list(guestsPath, query("tag", slug, "last_updated__gte", "2100-01-01T00:00:00Z")), []int{})

	nic := s.nic(ids[0])
	s.nic(ids[1])
	s.equal("interfaces of a guest", s.list(nicsPath, query("virtual_machine_id", strconv.Itoa(ids[0]))), []int{nic})
	disk := s.make(disksPath, object{"virtual_machine": ids[0], "name": "scsi0", "size": 1})
	s.equal("disks of a guest", s.list(disksPath, query("virtual_machine_id", strconv.Itoa(ids[0]))), []int{disk})
	device := s.device(s.site)
	s.equal("devices of a name", s.list(devicesPath, query("name", s.field(devicesPath, device, "name").(string))), []int{device})
	own := s.make(clustersPath, object{"name": s.name("cluster"), "type": s.clusterType})
	inOwn := s.guest(object{"cluster": own})
	s.equal("guests of a cluster", s.list(guestsPath, query("cluster_id", strconv.Itoa(own))), []int{inOwn})
	address := s.address()
	ip := s.make(addressesPath, object{"address": address, "assigned_object_type": "virtualization.vminterface", "assigned_object_id": nic})
	s.equal("an address", s.list(addressesPath, query("address", address)), []int{ip})
	s.equal("addresses of a guest", s.list(addressesPath, query("virtual_machine_id", strconv.Itoa(ids[0]))), []int{ip})
	s.equal("addresses of an interface", s.list(addressesPath, query("vminterface_id", strconv.Itoa(nic))), []int{ip})

	for name, q := range map[string]url.Values{
		"a tag that does not exist":     query("tag", "no-such-tag"),
		"a cluster that does not exist": query("cluster_id", strconv.Itoa(vanished)),
		"an id that is none":            query("id", "x"),
		"a moment that is none":         query("last_updated__gte", "x"),
	} {
		if a := s.send("GET", guestsPath+"?"+q.Encode(), nil); a.status != http.StatusBadRequest {
			s.Errorf("%s: %s", name, a)
		}
	}
}

// tags are replaced as a whole by "tags".
func (s *suite) tags() {
	tags := s.makeAll(tagsPath, s.named("tag"), s.named("tag"), s.named("tag"))
	id := s.guest(object{"tags": tags[:2]})
	s.equal("tags of a new guest", s.tagsOf(id), tags[:2])
	s.change(guestsPath, id, object{"memory": 1})
	s.equal("tags that were not named", s.tagsOf(id), tags[:2])
	s.change(guestsPath, id, object{"tags": []int{tags[2]}})
	s.equal("tags that were replaced", s.tagsOf(id), tags[2:])
	s.change(guestsPath, id, object{"tags": []int{}})
	s.equal("no tags", s.tagsOf(id), []int{})
	s.change(guestsPath, id, object{"tags": []object{{"slug": s.field(tagsPath, tags[0], "slug")}}})
	s.equal("a tag by its slug", s.tagsOf(id), tags[:1])
}

func (s *suite) tagsOf(id int) []int {
	s.Helper()
	tags, _ := s.field(guestsPath, id, "tags").([]any)
	out := []int{}
	for _, t := range tags {
		out = append(out, t.(int))
	}
	return sorted(out)
}

// partialTags are add_tags and remove_tags.
func (s *suite) partialTags() {
	tags := s.makeAll(tagsPath, s.named("tag"), s.named("tag"), s.named("tag"))
	id := s.guest(object{"tags": tags[:2]})
	if !s.caps.AddTags {
		s.change(guestsPath, id, object{"add_tags": tags[2:]})
		s.equal("add_tags is passed over", s.tagsOf(id), tags[:2])
		return
	}
	s.change(guestsPath, id, object{"add_tags": tags[1:]})
	s.equal("one is added, one is there already", s.tagsOf(id), tags)
	s.change(guestsPath, id, object{"remove_tags": tags[:2]})
	s.equal("two are removed", s.tagsOf(id), tags[2:])
	s.change(guestsPath, id, object{"remove_tags": tags[:1], "add_tags": tags[1:2]})
	s.equal("one was not there, one is added", s.tagsOf(id), tags[1:])
	s.change(guestsPath, id, object{"add_tags": []int{}, "remove_tags": []int{}})
	s.equal("nothing is asked for", s.tagsOf(id), tags[1:])
	s.refusesChange(guestsPath, id, object{"tags": tags[:1], "add_tags": tags[1:]}, "tags", `Cannot specify "tags" together with "add_tags" or "remove_tags".`)
	name := s.field(tagsPath, tags[0], "name").(string)
	s.refusesChange(guestsPath, id, object{"add_tags": tags[:1], "remove_tags": tags[:1]}, "remove_tags",
		`Tags may not be present in both "add_tags" and "remove_tags": `+name)
	made := s.guest(object{"add_tags": tags[:1]})
	s.equal("add_tags on a new guest", s.tagsOf(made), tags[:1])
	if err := s.try(guestsPath, id, object{"add_tags": []int{vanished}}); err == nil {
		s.Error("a tag that does not exist was added")
	}
	s.equal("the tags after it", s.tagsOf(id), tags[1:])
}
