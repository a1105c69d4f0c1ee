package run

import (
	"slices"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

func TestNarrowKeepsWhatAGuestNeeds(t *testing.T) {
	const vm = domain.Key("c1/qemu/100")
	to := func(kind domain.Kind, key domain.Key) domain.Ref { return domain.To(kind, key) }
	create := func(kind domain.Kind, key domain.Key, set domain.Fields) plan.Change {
		return plan.Change{Op: plan.Create, Kind: kind, Key: key, Set: set}
	}
	p := &plan.Plan{
		Changes: []plan.Change{
			create(domain.KindTag, "web", nil),
			create(domain.KindTag, "db", nil),
			create(domain.KindCustomField, "proxmox_uuid", nil),
			create(domain.KindSite, "c1/site", nil),
			create(domain.KindCluster, "c1", domain.Fields{"scope": to(domain.KindSite, "c1/site")}),
			create(domain.KindClusterState, "c1", domain.Fields{"cluster": to(domain.KindCluster, "c1")}),
			create(domain.KindDevice, "c1/node/a", domain.Fields{"cluster": to(domain.KindCluster, "c1")}),
			create(domain.KindDevice, "c1/node/b", domain.Fields{"cluster": to(domain.KindCluster, "c1")}),
			{Op: plan.Update, Kind: domain.KindDevice, Key: "c1/node/a", ID: 7},
			create(domain.KindVirtualMachine, vm, domain.Fields{
				"cluster": to(domain.KindCluster, "c1"), "device": to(domain.KindDevice, "c1/node/a"), "tags": domain.Refs{to(domain.KindTag, "web")},
			}),
			create(domain.KindVirtualMachine, "c1/qemu/1000", domain.Fields{"tags": domain.Refs{to(domain.KindTag, "db")}}),
			create(domain.KindVirtualDisk, vm+"/scsi0", domain.Fields{"virtual_machine": to(domain.KindVirtualMachine, vm)}),
			{Op: plan.Delete, Kind: domain.KindVMInterface, Key: vm + "/net9", ID: 9},
		},
		Reports: []plan.Report{{Key: "c1"}, {Key: "c1/qemu/1000"}},
	}
	Request{Stage: FullUpdate, Guests: []GuestID{{VMID: 100}}}.narrow(p)
	var got []string
	for _, c := range p.Changes {
		got = append(got, string(c.Op)+" "+string(c.Kind)+" "+string(c.Key))
	}
	want := []string{
		"create extras.tag web", "create extras.customfield proxmox_uuid", "create dcim.site c1/site", "create virtualization.cluster c1",
		"create " + string(domain.KindClusterState) + " c1", "create dcim.device c1/node/a", "create virtualization.virtualmachine c1/qemu/100",
		"create virtualization.virtualdisk c1/qemu/100/scsi0", "delete virtualization.vminterface c1/qemu/100/net9",
	}
	if !slices.Equal(got, want) {
		t.Errorf("narrowed to one guest the plan is\n%q, want\n%q", got, want)
	}
	if len(p.Reports) != 1 || p.Reports[0].Key != "c1" {
		t.Errorf("the reports are %v", p.Reports)
	}
}
