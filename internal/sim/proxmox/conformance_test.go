package proxmoxsim_test

import (
	"testing"

	"proxbox/internal/proxmox/conformance"
)

func TestSimulatorConforms(t *testing.T) { conformance.Run(t, conformance.Simulator()) }
