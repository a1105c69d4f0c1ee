package settings

import (
	"proxbox/internal/domain"
)

// ForEndpoint returns the endpoint with the settings where it leaves a choice
// to them: how long a request may take, how often it is tried again, how its
// nodes are named. What the plugin pushed counts as left open where it is the
// plugin's own default, as everywhere.
func ForEndpoint(v *Values, e domain.ProxmoxEndpoint) domain.ProxmoxEndpoint {
	pushed := e.PluginID() != 0
	open := func(s *Setting, value any, unset bool) bool {
		return unset || pushed && s.isPluginDefault("", value)
	}
	if open(ProxmoxTimeout.Setting, e.Timeout, e.Timeout == 0) {
		e.Timeout = ProxmoxTimeout.In(v)
	}
	if open(ProxmoxMaxRetries.Setting, e.MaxRetries, e.MaxRetries == 0) {
		e.MaxRetries = ProxmoxMaxRetries.In(v)
	}
	if open(ProxmoxRetryBackoff.Setting, e.RetryBackoff, e.RetryBackoff == 0) {
		e.RetryBackoff = ProxmoxRetryBackoff.In(v)
	}
	if open(NodeDeviceNameTemplate.Setting, e.NodeDeviceNameTemplate, e.NodeDeviceNameTemplate == "") {
		e.NodeDeviceNameTemplate = NodeDeviceNameTemplate.In(v)
	}
	return e
}
