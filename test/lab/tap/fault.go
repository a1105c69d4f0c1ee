package tap

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault is something that goes wrong with one request.
type Fault struct {
	name  string
	apply func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter))
}

// LoseRequest cuts the connection before the server hears of the request.
func LoseRequest() Fault {
	return Fault{"request lost", func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		cut(w)
	}}
}

// LoseAnswer lets the server do its work and cuts the connection before the
// client hears of it: what was asked for has happened, and nobody knows.
func LoseAnswer() Fault {
	return Fault{"answer lost", func(w http.ResponseWriter, _ *http.Request, forward func(http.ResponseWriter)) {
		forward(httptest.NewRecorder())
		cut(w)
	}}
}

// CutAnswer passes the answer's headers and the first n bytes of its body on
// and then cuts the connection.
func CutAnswer(n int) Fault {
	return Fault{"answer cut after " + strconv.Itoa(n) + " bytes", func(w http.ResponseWriter, _ *http.Request, forward func(http.ResponseWriter)) {
		answer := httptest.NewRecorder()
		forward(answer)
		copyHeader(w.Header(), answer.Header())
		body := answer.Body.Bytes()
		// The whole length is promised, so that the client can know.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body[:min(n, len(body))])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}}
}

// Answer answers in the server's place; the server does not hear of the
// request. Headers come in pairs of name and value.
func Answer(status int, body string, headers ...string) Fault {
	return Fault{"answered " + strconv.Itoa(status), func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}}
}

// BadGateway answers 502 with a page, as a proxy in front of a dead server.
func BadGateway() Fault {
	return Answer(http.StatusBadGateway, "<html><body><h1>502 Bad Gateway</h1></body></html>")
}

// ReplaceAnswer lets the server do its work and answers something else: a
// proxy that gave up waiting.
func ReplaceAnswer(status int, body string) Fault {
	return Fault{"answer replaced by " + strconv.Itoa(status), func(w http.ResponseWriter, _ *http.Request, forward func(http.ResponseWriter)) {
		forward(httptest.NewRecorder())
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}}
}

// Delay holds the request back before it goes to the server, or until the
// client gives up.
func Delay(d time.Duration) Fault {
	return Fault{"delayed " + d.String(), func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
		select {
		case <-time.After(d):
			forward(w)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}}
}

// Hold tells reached that the request is here and keeps it from the server
// until release is closed or receives, or the client gives up. A nil reached
// is not told.
func Hold(reached chan<- struct{}, release <-chan struct{}) Fault {
	return Fault{"held", func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
		if reached != nil {
			select {
			case reached <- struct{}{}:
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		}
		select {
		case <-release:
			forward(w)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}}
}

// Call runs f when the request arrives and then lets it pass: for a change
// that somebody else makes at the worst moment.
func Call(f func()) Fault {
	return Fault{"interrupted", func(w http.ResponseWriter, _ *http.Request, forward func(http.ResponseWriter)) {
		f()
		forward(w)
	}}
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}
