package proxmox

import (
	"encoding/json"
	"fmt"
	"testing"

	"proxbox/internal/domain"
)

// largeList is /cluster/resources of a cluster of so many guests, each row
// with all the counters that Proxmox sends.
func largeList(guests int) []byte {
	var b []byte
	b = append(b, `{"data":[`...)
	for i := range guests {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"cpu":0.0126483363381307,"disk":0,"diskread":979635168,"diskwrite":64977920,"id":"qemu/%d","maxcpu":4,"maxdisk":118111600640,"maxmem":8589934592,"mem":317329408,"memhost":320000000,"name":"guest-%d","netin":101031310,"netout":514867,"node":"pve%d","status":"running","tags":"prod;web","template":0,"type":"qemu","uptime":48576,"vmid":%d}`,
			100+i, i, i%32, 100+i)
	}
	return append(b, `]}`...)
}

// BenchmarkResources reads the answer of a cluster of 50,000 guests, from its
// bytes to guests.
func BenchmarkResources(b *testing.B) {
	body := largeList(50_000)
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal(body, &envelope); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := &reading{snap: &domain.Snapshot{}}
		if err := r.readResources(envelope.Data); err != nil || len(r.snap.Guests) != 50_000 {
			b.Fatal(len(r.snap.Guests), err)
		}
	}
}

// BenchmarkSnapshot is the same with the transport, go-proxmox and the rest
// of the cluster before it.
func BenchmarkSnapshot(b *testing.B) {
	answers := estate()
	answers["/cluster/resources"] = answer{body: string(largeList(50_000))}
	c := open(b, token(), Options{Transport: newServer(answers)})
	b.ReportAllocs()
	for b.Loop() {
		if snap, err := c.Snapshot(b.Context(), Scope{}); err != nil || len(snap.Guests) != 50_000 {
			b.Fatal(err)
		}
	}
}
