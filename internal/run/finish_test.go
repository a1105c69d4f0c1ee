package run

import (
	"context"
	"errors"
	"testing"
)

func TestFinishing(t *testing.T) {
	cause := errors.New("told to stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	long, done := finishing(ctx, finishTime)
	defer done()
	short, doneToo := finishing(ctx, 1)
	defer doneToo()
	cancel(cause)
	<-short.Done()
	if !errors.Is(context.Cause(short), cause) {
		t.Errorf("it ended with %v", context.Cause(short))
	}
	if long.Err() != nil {
		t.Error("it ended with the run, and requests that are on their way with it")
	}
	done()
	if long.Err() == nil {
		t.Error("it goes on when nobody needs it")
	}
}
