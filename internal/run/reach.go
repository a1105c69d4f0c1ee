package run

import (
	"fmt"
	"time"

	"proxbox/internal/netbox"
)

// reach names the step in which NetBox is asked what it can do, and in which a
// run waits for one that does not answer.
const reach = "reach netbox"

// reached says what NetBox is.
func reached(caps netbox.Capabilities) string {
	if caps.Plugin == "" {
		return fmt.Sprintf("NetBox is %s, without the plugin netbox-proxbox", caps.Release)
	}
	return fmt.Sprintf("NetBox is %s, with netbox-proxbox %s", caps.Release, caps.Plugin)
}

// waiting tells who watches why nothing goes on.
func waiting(watch func(Event)) func(netbox.Retry) {
	return func(r netbox.Retry) {
		watch(Event{Step: &Step{Name: reach, Status: Progress, Message: fmt.Sprintf("%v. Trying again in %s (%d of %d)",
			r.Err, max(time.Second, r.After.Round(time.Second)), r.Number, r.Of)}})
	}
}
