package conformance

import "proxbox/internal/domain"

// Quirk is a way in which a target differs from a real Proxmox VE.
type Quirk int

// The quirks.
const (
	_ Quirk = iota
	NodeSize
	NodeFingerprint
	NodeAddress
	EverybodyIsSeen
	DeadGuestsAreKnown
	UnlimitedContainers
	PendingMachines
	LocalIsShared
	BackupDetails
	StatusForAll
	OneWordFor401
	RightsAddUp
	SilentIsOneWord
	RightsComeLast
	OwnNetworkAnswers
)

// FakePVE are the quirks of fakepve 0.5.0, as test/fakepve/estate.py runs it.
// What that answers in its place (the networks of nodes, options and jobs of
// the cluster, the status of a stand-alone host, where fakepve has a cluster
// row too, and leased addresses of containers) is judged all the same, but is
// no second opinion.
func FakePVE() map[Quirk]string {
	return map[Quirk]string{
		NodeSize:            "every node that is online has 4 CPUs and 8 GiB",
		NodeFingerprint:     "all nodes have one certificate fingerprint; it is made that of the first node",
		NodeAddress:         "the nodes have the addresses 192.0.2.11 and up, in the order of their names, as those of the demo are",
		EverybodyIsSeen:     "a guest has all of its row in /cluster/resources from its first moment on",
		DeadGuestsAreKnown:  "the guests of a dead node keep all of their row in /cluster/resources but the status",
		UnlimitedContainers: "a container without cores and cpulimit has one CPU, not all of its node's",
		PendingMachines:     "/config of a machine is that of now, without current=1 as well",
		LocalIsShared:       "a storage that is not shared has the same content on every node",
		BackupDetails:       "a backup volume has no subtype, encrypted and verification",
		StatusForAll:        "/cluster/status needs no Sys.Audit, nor do the options and jobs that estate.py puts there",
		OneWordFor401:       "whatever is wrong with a login or a token, it says authentication failure",
		RightsAddUp:         "rights further down the tree add to those above in place of replacing them, all propagate, and a token has its user's as well",
		RightsComeLast:      "that a guest does not exist is said to those too who may not see it",
		OwnNetworkAnswers:   "it makes up the networks of the nodes; those of the estate are put in its place by path, whatever becomes of node and rights",
		SilentIsOneWord:     "of an agent that is not configured and of a stopped machine it says that the agent is not running",
	}
}

// level takes out of what was read that in which a quirk shows.
func level(quirks map[Quirk]string, snap *domain.Snapshot) {
	has := func(q Quirk) bool { return quirks[q] != "" }
	snap.Endpoint = domain.ProxmoxEndpoint{} // where it was read, not what
	for i := range snap.Nodes {
		n := &snap.Nodes[i]
		if has(NodeSize) {
			n.CPUs, n.MemoryBytes = 0, 0
		}
		if has(NodeFingerprint) {
			n.SSLFingerprint = ""
		}
	}
	for i := range snap.Storages.Value {
		s := &snap.Storages.Value[i]
		if has(LocalIsShared) && !s.Shared {
			s.Backups.Value = nil
		}
		if has(BackupDetails) {
			for k := range s.Backups.Value {
				b := &s.Backups.Value[k]
				b.Encrypted, b.VerificationState, b.VerificationUPID = "", "", ""
			}
		}
	}
}
