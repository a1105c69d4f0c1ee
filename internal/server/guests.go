package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/run"
)

// identity is what NetBox knows of a virtual machine's place in Proxmox.
type identity struct {
	vmid     int
	guest    domain.GuestType
	plugin   int    // id of the plugin's endpoint; 0 when it is not known
	endpoint int    // row id of ours; 0 when it is not known
	cluster  string // name in Proxmox; "" when it is not known
}

// resolveGuests narrows a run to virtual machines by their ids in NetBox: what
// they are in Proxmox is in their sync-state row, or in 0.0.15's custom fields.
// One that NetBox does not have, or that is no guest of Proxmox, is an error:
// a run of fewer than were asked for would look whole.
func (s *Server) resolveGuests(ctx context.Context, vms []int, inPath bool, ask *run.Ask) error {
	// The client has heard nothing yet, and is not to wait longer for that.
	ctx, cancel := context.WithTimeout(ctx, s.keepalive*4/5)
	defer cancel()
	nb, _, err := s.launcher.OpenNetBox(ctx, true, ask.Query.Get("netbox_branch_schema_id"))
	if err != nil {
		return err
	}
	defer nb.Close()
	found, err := fromSyncState(ctx, nb, vms)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(vms), func(id int) bool { return found[id].vmid != 0 })
	if len(rest) > 0 {
		if err := fromCustomFields(ctx, nb, rest, found); err != nil {
			return err
		}
	}
	places, err := s.places(ctx, ask.Endpoints)
	if err != nil {
		return err
	}
	var endpoints []int
	for _, id := range vms {
		who, known := found[id]
		if who.vmid == 0 {
			return notAGuest(id, known, inPath)
		}
		home := places.home(ctx, who)
		ask.Guests = append(ask.Guests, run.GuestID{Type: who.guest, VMID: who.vmid, Endpoint: home})
		endpoints = append(endpoints, home)
	}
	slices.SortFunc(ask.Guests, func(a, b run.GuestID) int {
		return cmp.Or(cmp.Compare(a.VMID, b.VMID), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	ask.Guests = slices.Compact(ask.Guests)
	if len(ask.Endpoints) == 0 && !slices.Contains(endpoints, 0) {
		ask.Endpoints = slices.Compact(slices.Sorted(slices.Values(endpoints)))
	}
	return nil
}

func notAGuest(id int, known, inPath bool) error {
	text := fmt.Sprintf("NetBox has no virtual machine %d", id)
	if known {
		text = fmt.Sprintf("virtual machine %d in NetBox is not known to be a guest of Proxmox: it has no proxmox_vm_id. Sync all virtual machines first.", id)
	}
	switch {
	case inPath && !known:
		return fail(http.StatusNotFound, "%s.", text)
	case inPath:
		return invalid("path", "netbox_vm_id", text)
	}
	return invalid("query", "netbox_vm_ids", text)
}

func idsQuery(name string, ids []int) url.Values {
	q := url.Values{}
	for _, id := range ids {
		q.Add(name, strconv.Itoa(id))
	}
	return q
}

const syncStatePath = "plugins/proxbox/sync-state/virtual-machines/"

func fromSyncState(ctx context.Context, nb *netbox.Client, vms []int) (map[int]identity, error) {
	found := map[int]identity{}
	err := nb.List(ctx, syncStatePath, idsQuery("virtual_machine_id", vms), func(raw json.RawMessage) error {
		var row struct {
			VirtualMachine reference `json:"virtual_machine"`
			VMID           int       `json:"proxmox_vm_id"`
			Type           string    `json:"proxmox_vm_type"`
			RawID          int       `json:"proxmox_endpoint_raw_id"`
			Endpoint       reference `json:"endpoint"`
			Cluster        string    `json:"proxmox_cluster_name"`
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		if slices.Contains(vms, row.VirtualMachine.ID) {
			found[row.VirtualMachine.ID] = identity{row.VMID, guestType(row.Type), row.Endpoint.ID, row.RawID, row.Cluster}
		}
		return nil
	})
	var status *netbox.StatusError
	if errors.As(err, &status) && status.NotFound() {
		return found, nil // 0.0.15, or no plugin
	}
	return found, err
}

func fromCustomFields(ctx context.Context, nb *netbox.Client, vms []int, found map[int]identity) error {
	query := idsQuery("id", vms)
	query.Set("fields", "id,custom_fields")
	return nb.List(ctx, "virtualization/virtual-machines/", query, func(raw json.RawMessage) error {
		var row struct {
			ID     int `json:"id"`
			Fields struct {
				VMID    int    `json:"proxmox_vm_id"`
				Type    string `json:"proxmox_vm_type"`
				Cluster string `json:"proxmox_cluster"`
			} `json:"custom_fields"`
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		if slices.Contains(vms, row.ID) {
			found[row.ID] = identity{vmid: row.Fields.VMID, guest: guestType(row.Fields.Type), cluster: row.Fields.Cluster}
		}
		return nil
	})
}

// guestType is "" for what is neither: the vmid alone must do then.
func guestType(text string) domain.GuestType {
	switch t := domain.GuestType(text); t {
	case domain.QEMU, domain.LXC:
		return t
	}
	return ""
}

// reference is another object, as an id or nested.
type reference struct{ ID int }

// UnmarshalJSON implements json.Unmarshaler.
func (r *reference) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		var nested struct {
			ID int `json:"id"`
		}
		err := json.Unmarshal(raw, &nested)
		r.ID = nested.ID
		return err
	}
	return json.Unmarshal(raw, &r.ID)
}
