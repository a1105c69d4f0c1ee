package netbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// Missed tells of parts that are to be removed which of them a person would
// miss, and why: somebody filled in what the program does not manage, or
// something that is not the program's points at them (rules.md 7). Tags whose
// slug begins with ownTag are the program's.
func (c *Client) Missed(ctx context.Context, doomed []domain.Ref, ownTag string) (map[domain.Ref]string, error) {
	missed := map[domain.Ref]string{}
	if len(doomed) == 0 {
		return missed, nil
	}
	defaults, err := c.customDefaults(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[domain.Kind][]int{}
	for _, ref := range doomed {
		ids[ref.Kind] = append(ids[ref.Kind], ref.ID)
	}
	for _, kind := range slices.Sorted(maps.Keys(ids)) {
		for chunk := range slices.Chunk(ids[kind], MaxIDs) {
			q := ByID("id", chunk)
			if own := thingFields[kind]; own != nil {
				q.Set("fields", strings.Join(own, ",")) // never with config_context
			}
			err := c.List(ctx, specs[kind].path, q, func(raw json.RawMessage) error {
				var o map[string]json.RawMessage
				if err := json.Unmarshal(raw, &o); err != nil {
					return err
				}
				id, err := idOf(o["id"])
				if why := whyMissed(kind, o, defaults, ownTag); why != "" {
					missed[domain.At(kind, id)] = why
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("read %s that are to be removed: %w", kind, err)
			}
			switch kind {
			case domain.KindIPAddress:
				err = c.missedByServices(ctx, chunk, missed)
			case domain.KindVirtualMachine, domain.KindDevice:
				err = c.missedByPointers(ctx, kind, chunk, missed)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return missed, nil
}

// customDefaults are what custom fields hold though nobody filled them in.
func (c *Client) customDefaults(ctx context.Context) (map[string]string, error) {
	defaults := map[string]string{}
	err := c.List(ctx, specs[domain.KindCustomField].path, url.Values{"fields": {"id,name,default"}}, func(raw json.RawMessage) error {
		var f struct {
			Name    string          `json:"name"`
			Default json.RawMessage `json:"default"`
		}
		if err := json.Unmarshal(raw, &f); err != nil {
			return err
		}
		if !isNull(f.Default) {
			defaults[f.Name], _ = canonicalJSON(f.Default)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the defaults of custom fields: %w", err)
	}
	return defaults, nil
}

// missedByServices names the services that listen at an address.
func (c *Client) missedByServices(ctx context.Context, ids []int, missed map[domain.Ref]string) error {
	q := ByID("ip_address_id", ids)
	q.Set("fields", "id,name,ipaddresses")
	err := c.List(ctx, "ipam/services/", q, func(raw json.RawMessage) error {
		var s struct {
			Name      string `json:"name"`
			Addresses []struct {
				ID int `json:"id"`
			} `json:"ipaddresses"`
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		for _, a := range s.Addresses {
			if slices.Contains(ids, a.ID) {
				missed[domain.At(domain.KindIPAddress, a.ID)] = fmt.Sprintf("the service %q listens at it", s.Name)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the services at addresses that are to be removed: %w", err)
	}
	return nil
}

// filled are the fields of parts that only people fill, by kind.
var filled = map[domain.Kind][]string{
	domain.KindIPAddress:   {"description", "comments", "role", "tenant", "nat_inside"},
	domain.KindVMInterface: {"description", "vrf", "l2vpn_termination", "tunnel_termination", "vlan_translation_policy"},
	domain.KindInterface: {"description", "vrf", "cable", "wireless_link", "l2vpn_termination", "tunnel_termination", "vlan_translation_policy", "label",
		"module"},
	domain.KindVirtualDisk:    {}, // its description is the program's
	domain.KindVirtualMachine: {"comments", "local_context_data", "config_template", "owner"},
	domain.KindDevice: {"comments", "local_context_data", "config_template", "owner", "serial", "asset_tag", "location", "rack", "position", "latitude",
		"longitude", "parent_device", "airflow", "virtual_chassis", "oob_ip"},
}

func whyMissed(kind domain.Kind, o map[string]json.RawMessage, defaults map[string]string, ownTag string) string {
	for _, field := range filled[kind] {
		if !isBlank(o[field]) {
			return "its field " + field + " is filled in"
		}
	}
	if n := o["count_fhrp_groups"]; !isNull(n) && string(n) != "0" {
		return "a first-hop redundancy group uses it"
	}
	for _, count := range componentCounts {
		if n := o[count]; !isNull(n) && string(n) != "0" {
			return "it has components that are not ours (" + count + ")"
		}
	}
	var custom map[string]json.RawMessage
	if !isNull(o["custom_fields"]) && json.Unmarshal(o["custom_fields"], &custom) == nil {
		for _, name := range slices.Sorted(maps.Keys(custom)) {
			if value, err := canonicalJSON(custom[name]); !isBlank(custom[name]) && (err != nil || value != defaults[name]) &&
				!strings.HasPrefix(name, "proxmox_") && !strings.HasPrefix(name, "proxbox_") {
				return "its custom field " + name + " is filled in"
			}
		}
	}
	var tags []struct {
		Slug string `json:"slug"`
	}
	if !isNull(o["tags"]) && thingFields[kind] == nil && json.Unmarshal(o["tags"], &tags) == nil {
		for _, t := range tags {
			if !strings.HasPrefix(t.Slug, ownTag) {
				return "it has the tag " + t.Slug
			}
		}
	}
	return ""
}

func isBlank(raw json.RawMessage) bool {
	return isNull(raw) || string(raw) == `""` || string(raw) == "[]"
}
