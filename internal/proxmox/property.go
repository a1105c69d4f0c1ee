package proxmox

import (
	"encoding/base64"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// property is one part of a property string: "bridge=vmbr0" in
// "virtio=AA:BB:…,bridge=vmbr0,tag=5". A part without "=" has an empty key;
// the schema calls it the default key.
type property struct{ key, value string }

// properties are the parts in their order.
type properties []property

func parseProperties(s string) properties {
	var out properties
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			key, value = "", part
		}
		out = append(out, property{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return out
}

// get returns the value of the first of the keys that is there.
func (ps properties) get(keys ...string) (string, bool) {
	for _, key := range keys {
		for _, p := range ps {
			if p.key == key {
				return p.value, true
			}
		}
	}
	return "", false
}

func (ps properties) text(keys ...string) string {
	v, _ := ps.get(keys...)
	return v
}

func (ps properties) on(key string) bool { return parseFlag(ps.text(key)).on }

// count is a number to count with; 0 when there is none.
func (ps properties) count(key string) int {
	return int(parseNumber(ps.text(key)).natural())
}

var sizePattern = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*([KMGTP]?)(?:i?B)?$`)

var sizeUnit = map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}

// parseSizeMB reads Proxmox's size of a volume as NetBox counts: in MB, of
// which 1G has 1024, rounded up, at least 1. It is 0 for what is no size.
func parseSizeMB(s string) int {
	m := sizePattern.FindStringSubmatch(strings.Replace(strings.ToUpper(strings.TrimSpace(s)), "IB", "iB", 1))
	if m == nil {
		return 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	mb := math.Ceil(v * sizeUnit[m[2]] / (1 << 20))
	if mb > 1<<53 {
		return 0
	}
	return max(1, int(mb))
}

// parseMemory reads the memory of a configuration, "2048", 2048 or
// "current=2048", in bytes; 0 when there is none.
func parseMemory(s string) int64 {
	ps := parseProperties(s)
	v, ok := ps.get("current", "")
	if !ok {
		return 0
	}
	mb := parseNumber(v).natural()
	if mb > 1<<42 {
		return 0
	}
	return mb << 20
}

// parseAgent reads the agent option: "1", "0", "enabled=1,fstrim_cloned_disks=1".
func parseAgent(s string) bool {
	return parseFlag(parseProperties(s).text("enabled", "")).on
}

// parseTags splits a guest's tags at ";", "," and white space. They are
// lower case, sorted and without doubles.
func parseTags(s string) []string {
	tags := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r == ';' || r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r'
	})
	slices.Sort(tags)
	return slices.Compact(tags)
}

// parseSMBIOS reads the uuid (lower case) and the serial of smbios1, whose
// texts may be base64.
func parseSMBIOS(s string) (uuid, serial string) {
	ps := parseProperties(s)
	serial = ps.text("serial")
	if ps.on("base64") {
		if raw, err := base64.StdEncoding.DecodeString(serial); err == nil {
			serial = strings.ToValidUTF8(string(raw), "")
		}
	}
	return strings.ToLower(ps.text("uuid")), serial
}

// parseCreated reads when a guest was made from its meta option, in seconds
// since 1970; 0 when it does not say.
func parseCreated(meta string) int64 {
	return parseNumber(parseProperties(meta).text("ctime")).natural()
}

// parseSSHKeys undoes the URL encoding of the sshkeys option. A plus is part
// of a key, never a space.
func parseSSHKeys(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return strings.TrimSpace(s)
}

// parseMAC returns a MAC address in upper case with colons, "" for what is
// none, or for the all-zero one that a loopback has.
func parseMAC(s string) string {
	hw, err := net.ParseMAC(strings.TrimSpace(s))
	if err != nil || len(hw) != 6 {
		return ""
	}
	if !slices.ContainsFunc(hw, func(b byte) bool { return b != 0 }) {
		return ""
	}
	return strings.ToUpper(hw.String())
}

// parseAddress reads "10.0.0.5/24" or "10.0.0.5", with or without a zone. An
// address without a mask stands for itself alone. Words such as dhcp are no
// address.
func parseAddress(s string) (netip.Prefix, bool) {
	host, mask, masked := strings.Cut(strings.TrimSpace(s), "/")
	addr, ok := parseIP(host)
	if !ok {
		return netip.Prefix{}, false
	}
	bits := addr.BitLen()
	if masked {
		n, err := strconv.Atoi(mask)
		if err != nil || n < 0 || n > bits {
			return netip.Prefix{}, false
		}
		bits = n
	}
	return netip.PrefixFrom(addr, bits), true
}

// parseIP reads an address and drops its zone: Windows appends the number of
// the interface.
func parseIP(s string) (netip.Addr, bool) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "%")
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}

// parseTrunks expands "5;7;10-12".
func parseTrunks(s string) []int {
	var out []int
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		low, high, ranged := strings.Cut(part, "-")
		if !ranged {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil {
			continue
		}
		for vid := max(from, minVLAN); vid <= min(to, maxVLAN); vid++ {
			out = append(out, vid)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The range of a VLAN tag (IEEE 802.1Q).
const (
	minVLAN = 1
	maxVLAN = 4094
)

func validVLAN(vid int) int {
	if vid < minVLAN || vid > maxVLAN {
		return 0
	}
	return vid
}

// parseCloudInit reads the cloud-init options; nil when there are none.
func parseCloudInit(opts map[string]text) *domain.CloudInit {
	ci := domain.CloudInit{
		User:      strings.TrimSpace(string(opts["ciuser"])),
		SSHKeys:   parseSSHKeys(string(opts["sshkeys"])),
		IPConfig0: strings.TrimSpace(string(opts["ipconfig0"])),
	}
	if ci == (domain.CloudInit{}) {
		return nil
	}
	return &ci
}
