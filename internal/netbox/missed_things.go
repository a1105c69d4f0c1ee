package netbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"proxbox/internal/domain"
)

// componentCounts are the components of a device that the program never makes.
var componentCounts = []string{"console_port_count", "console_server_port_count", "power_port_count", "power_outlet_count", "cooling_intake_count",
	"cooling_outflow_count", "front_port_count", "rear_port_count", "device_bay_count", "module_bay_count", "inventory_item_count"}

// thingFields are what is read of guests and devices that are to be removed.
// Whose their tags are, the plan knows: Proxmox has some of them.
var thingFields = map[domain.Kind][]string{
	domain.KindVirtualMachine: slices.Concat([]string{"id", "custom_fields"}, filled[domain.KindVirtualMachine]),
	domain.KindDevice:         slices.Concat([]string{"id", "custom_fields"}, filled[domain.KindDevice], componentCounts),
}

// pointers are the lists of what people attach to an object of any kind: the
// fields that say to which, and what each is called.
var pointers = []struct{ path, kind, id, what string }{
	{"ipam/services/", "parent_object_type", "parent_object_id", "a service runs on it"},
	{"tenancy/contact-assignments/", "object_type", "object_id", "a contact is assigned to it"},
	{"extras/journal-entries/", "assigned_object_type", "assigned_object_id", "it has a journal entry"},
	{"extras/image-attachments/", "object_type", "object_id", "an image is attached to it"},
}

// missedByPointers names what people attached to guests and devices. Releases
// differ in the filters that they know, and one that is not known gives all:
// only what names an object counts.
func (c *Client) missedByPointers(ctx context.Context, kind domain.Kind, ids []int, missed map[domain.Ref]string) error {
	for _, p := range pointers {
		q := ByID(p.id, ids)
		q.Set(p.kind, string(kind))
		if err := c.pointing(ctx, p.path, q, p.kind, p.id, kind, func(id int) {
			if slices.Contains(ids, id) {
				missed[domain.At(kind, id)] = p.what
			}
		}); err != nil {
			return fmt.Errorf("read what people attached to %s that are to be removed: %w", kind, err)
		}
	}
	return nil
}

// pointing tells the ids that the rows of a list point at. A NetBox without the
// list has none.
func (c *Client) pointing(ctx context.Context, path string, q url.Values, kindField, idField string, kind domain.Kind, at func(int)) error {
	err := c.List(ctx, path, q, func(raw json.RawMessage) error {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		var of string
		var id int
		if isNull(o[idField]) || json.Unmarshal(o[kindField], &of) != nil || json.Unmarshal(o[idField], &id) != nil {
			return fmt.Errorf("%s: a row does not say what it points at", path)
		}
		if of == string(kind) {
			at(id)
		}
		return nil
	})
	var status *StatusError
	if errors.As(err, &status) && status.NotFound() {
		return nil
	}
	return err
}
