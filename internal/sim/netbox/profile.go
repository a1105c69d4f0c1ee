package netboxsim

// Profile is which NetBox is played: its release, the plugin's, and what
// differs between them.
type Profile struct {
	Release string // of NetBox, "4.7.3"
	Plugin  string // release of netbox-proxbox, "" when it is not installed

	indexedErrors bool // a refused bulk call names every guilty object (4.7)
	cursor        bool // start= paging (4.6)
	tagDeltas     bool // add_tags and remove_tags (4.6)
	etag          bool // ETag and If-Match (4.6)
	vmTypes       bool // virtual machine types, and virtual machines on a device alone (4.6)
	macPrimary    bool // is_primary of MAC addresses, writable mac_address (4.7)
	syncState     bool // the plugin's sync-state rows and guest interfaces (0.0.29)
}

// Profiles of the supported releases.
var (
	// NetBox47 is NetBox 4.7 with the plugin 0.0.29.
	NetBox47 = Profile{
		Release: "4.7.3", Plugin: "0.0.29.post6", syncState: true,
		indexedErrors: true, cursor: true, tagDeltas: true, etag: true, vmTypes: true, macPrimary: true,
	}
	// NetBox46 is NetBox 4.6 with the plugin 0.0.29.
	NetBox46 = Profile{
		Release: "4.6.8", Plugin: "0.0.29.post6", syncState: true,
		cursor: true, tagDeltas: true, etag: true, vmTypes: true,
	}
	// NetBox45 is NetBox 4.5 with the plugin 0.0.29.
	NetBox45 = Profile{Release: "4.5.9", Plugin: "0.0.29.post6", syncState: true}
	// NetBox47Plugin15 is NetBox 4.7 with the plugin 0.0.15, which keeps what
	// it knows in custom fields and has no sync-state rows.
	NetBox47Plugin15 = NetBox47.withPlugin("0.0.15", false)
	// NetBox47Bare is NetBox 4.7 without the plugin.
	NetBox47Bare = NetBox47.withPlugin("", false)
)

// Profiles returns every profile by a name that suits a subtest.
func Profiles() map[string]Profile {
	return map[string]Profile{
		"4.7": NetBox47, "4.6": NetBox46, "4.5": NetBox45,
		"4.7-plugin-0.0.15": NetBox47Plugin15, "4.7-bare": NetBox47Bare,
	}
}

func (p Profile) withPlugin(release string, syncState bool) Profile {
	p.Plugin, p.syncState = release, syncState
	return p
}

// apiVersion is what the API-Version header says: major and minor.
func (p Profile) apiVersion() string {
	dots := 0
	for i, c := range p.Release {
		if c == '.' {
			if dots++; dots == 2 {
				return p.Release[:i]
			}
		}
	}
	return p.Release
}
