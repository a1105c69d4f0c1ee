package run

import (
	"context"
	"time"
)

// finishTime is how long requests that are on their way may take to end when
// a run is told to stop. What they wrote is known then.
const finishTime = 20 * time.Second

// finishing returns a context that ends some time after ctx does. The function
// it returns must be called when it is not needed any more.
func finishing(ctx context.Context, after time.Duration) (context.Context, func()) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(after):
			cancel(context.Cause(ctx))
		case <-out.Done():
		}
	})
	return out, func() {
		stop()
		cancel(nil)
	}
}
