package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// customField finds a custom field. One that is only used where NetBox has it
// is used as what it should be: where a person made it of another type, or for
// other objects, its values are theirs.
func (p *planner) customField(it *item) *domain.Row {
	row := p.named(it)
	if row == nil || it.Mode != domain.Existing {
		return row
	}
	for _, field := range []string{"type", "related_object_type"} {
		if want, ok := it.Fields[field]; ok && !domain.Equal(row.Fields[field], want) {
			return nil
		}
	}
	for _, kind := range objectTypes(it.Fields) {
		if !slices.Contains(objectTypes(row.Fields), kind) {
			return nil
		}
	}
	return row
}

// objectTypes are the kinds that have a custom field.
func objectTypes(f domain.Fields) (kinds []domain.Kind) {
	text, _ := f["object_types"].(string)
	if json.Unmarshal([]byte(text), &kinds) != nil {
		return nil
	}
	return kinds
}

// LastUpdated is the custom field in which the Python service 0.0.15 wrote when
// it last changed an object.
const LastUpdated = "cf_proxmox_last_updated"

// IsStamp tells whether a field says when an object was last changed: it is
// written with another change and never for itself.
func IsStamp(field string) bool { return field == "proxmox_last_updated" || field == LastUpdated }

// stamp sets it with a change, as in a sync-state row: it is nothing to change
// an object for.
func (p *planner) stamp(it *item, c Change) {
	if p.Stamp == "" || !p.hasField(it.Kind, LastUpdated) {
		return
	}
	if c.Op == Create || c.Op == Update && p.owns(it, LastUpdated) == domain.Always {
		c.Set[LastUpdated] = p.Stamp
	}
}

// hasField tells whether objects of a kind have a custom field that is wanted.
func (p *planner) hasField(kind domain.Kind, field string) bool {
	def := p.items[domain.To(domain.KindCustomField, domain.Key(strings.TrimPrefix(field, "cf_")))]
	return def != nil && def.state == bound && slices.Contains(objectTypes(def.row.Fields), kind)
}
