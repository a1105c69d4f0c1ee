package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"proxbox/internal/auth"
	"proxbox/internal/run"
)

// writeTimeout is how long a client may take for one write.
const writeTimeout = 30 * time.Second

// eventStream writes server-sent events. There are no id and retry lines: the
// plugin would take them for data.
type eventStream struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
	err error // of the first write that failed
}

func newEventStream(w http.ResponseWriter) *eventStream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Connection", "close") // the plugin reads until the end
	w.WriteHeader(http.StatusOK)
	return &eventStream{w: w, rc: http.NewResponseController(w)}
}

func (e *eventStream) send(frames ...frame) {
	for _, f := range frames {
		e.buf.WriteString("event: " + f.event + "\ndata: ")
		enc := json.NewEncoder(&e.buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(f.data); err != nil && e.err == nil {
			e.err = err
		}
		e.buf.WriteByte('\n') // the encoder wrote the first
	}
	e.flush()
}

// keepalive is a comment: the connection lives.
func (e *eventStream) keepalive() {
	e.buf.WriteString(": keepalive\n\n")
	e.flush()
}

func (e *eventStream) flush() {
	defer e.buf.Reset()
	if e.err != nil {
		return
	}
	_ = e.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	if _, e.err = e.w.Write(e.buf.Bytes()); e.err == nil {
		e.err = e.rc.Flush()
	}
}

// follow tells a run's events until it ends, the client goes away, its key is
// revoked or the service stops. A run that loses its last listener goes on for
// a while: the client may come back.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, ask run.Ask, run *run.Run) {
	events, stop := run.Listen()
	defer stop()
	t := newTranslator(ask, run.ID)
	stream := newEventStream(w)
	stream.send(t.begin()...)
	silence := time.NewTimer(s.keepalive)
	defer silence.Stop()
	check := time.NewTicker(recheck)
	defer check.Stop()
	for stream.err == nil {
		select {
		case e, more := <-events:
			if !more {
				<-run.Done()
				s.cancels.ended(auth.Source(s.client(r)), ask, run)
				stream.send(t.end(run.Result())...)
				return
			}
			frames := t.event(e)
			if len(frames) == 0 {
				continue
			}
			stream.send(frames...)
		case <-silence.C:
			stream.keepalive()
		case <-check.C:
			if s.revoked(r.Context()) {
				stream.send(t.failed(errRevoked)...)
				return
			}
			continue
		case <-r.Context().Done():
			return
		case <-s.closing.Done():
			stream.send(t.failed(errClosing)...)
			return
		}
		silence.Reset(s.keepalive)
	}
}
