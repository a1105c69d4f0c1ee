package desire

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// fence is a block of a guest's notes that is meant for this program.
var fence = regexp.MustCompile("(?ms)^[ \\t]*```[ \\t]*netbox-metadata[ \\t]*\\r?\\n(.*?)(?:\\r?\\n)?[ \\t]*```[ \\t]*\\r?$")

// descriptionLimit is how many characters a description in NetBox has.
const descriptionLimit = 200

// description is what a guest is described by: the first line of its notes,
// else where it runs.
func description(g domain.Guest) string {
	for line := range strings.Lines(fence.ReplaceAllString(strings.ReplaceAll(g.Config.Value.Description, "\r\n", "\n"), "")) {
		if line = strings.TrimSpace(line); line != "" {
			return cut(line, descriptionLimit)
		}
	}
	return "Synced from Proxmox node " + g.Node
}

// metadataFields are the fields of a guest that its notes may name by their
// NetBox ids.
var metadataFields = map[string]struct {
	field string
	kind  domain.Kind
}{
	"role": {"role", domain.KindDeviceRole}, "platform": {"platform", domain.KindPlatform}, "tenant": {"tenant", domain.KindTenant},
	"type": {"virtual_machine_type", domain.KindVirtualMachineType}, "virtual_machine_type": {"virtual_machine_type", domain.KindVirtualMachineType},
}

// metadata sets what the guest's notes ask for, and returns those fields. Of
// several blocks the last counts; what is no id is left out and said.
func (b *builder) metadata(g domain.Guest, label string, f domain.Fields) map[string]bool {
	blocks := fence.FindAllStringSubmatch(strings.ReplaceAll(g.Config.Value.Description, "\r\n", "\n"), -1)
	if !b.opt.Metadata || len(blocks) == 0 {
		return nil
	}
	wrong := func(reason string) {
		b.note(domain.Problem{What: label, Reason: "netbox-metadata in its notes: " + reason,
			WayOut: `write {"role": 3} with NetBox ids of role, platform, tenant or type`})
	}
	var asked map[string]json.RawMessage
	if err := json.Unmarshal([]byte(blocks[len(blocks)-1][1]), &asked); err != nil {
		wrong("it is no JSON object")
		return nil
	}
	set := map[string]bool{}
	for _, name := range sortedNames(asked) {
		to, known := metadataFields[name]
		var id int
		switch {
		case !known:
			wrong(fmt.Sprintf("%s cannot be set there", name))
		case json.Unmarshal(asked[name], &id) != nil || id <= 0:
			wrong(fmt.Sprintf("%s is %s and must be an id", name, asked[name]))
		case to.kind == domain.KindVirtualMachineType && !b.opt.VirtualMachineTypes:
			wrong("this NetBox has no virtual machine types")
		default:
			f[to.field] = domain.At(to.kind, id)
			set[to.field] = true
		}
	}
	return set
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// placeFields are the custom fields for what neither NetBox nor the plugin has
// a place for.
var placeFields = []customField{
	{"proxmox_pool", "text", "Pool", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "", "Resource pool of the guest in Proxmox"},
	{"proxmox_ha_state", "text", "HA State", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"State that high availability keeps the guest in"},
}

// agentPlatform is the name of a guest's operating system as its agent says.
func agentPlatform(os domain.AgentOS) string {
	return cut(firstOf(os.PrettyName, strings.TrimSpace(os.Name+" "+os.VersionID)), 100)
}
