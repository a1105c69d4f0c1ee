package netboxsim

import "net/http"

// Stats counts what the server was asked for.
type Stats struct {
	Requests int            // all of them
	Writes   int            // those that were POST, PUT, PATCH or DELETE
	ByMethod map[string]int // requests
	// ByKind are requests and Objects the objects that were written, by kind
	// and method: Objects["ipam.ipaddress"]["POST"]. Only writes that were
	// applied count as objects.
	ByKind  map[string]map[string]int
	Objects map[string]map[string]int
}

// Stats returns what was counted since the start or the last ResetStats.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.stats
	c.ByMethod = cloneCounts(c.ByMethod)
	c.ByKind, c.Objects = cloneNested(c.ByKind), cloneNested(c.Objects)
	return c
}

// ResetStats starts counting anew.
func (s *Server) ResetStats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = Stats{}
}

func cloneCounts(m map[string]int) map[string]int {
	c := make(map[string]int, len(m))
	for k, n := range m {
		c[k] = n
	}
	return c
}

func cloneNested(m map[string]map[string]int) map[string]map[string]int {
	c := make(map[string]map[string]int, len(m))
	for k, n := range m {
		c[k] = cloneCounts(n)
	}
	return c
}

func (x *exchange) count() {
	name := ""
	if x.k != nil {
		name = x.k.name
	}
	x.countRequest(x.r.Method, name, x.written)
}

func (s *Server) countRequest(method, kindName string, written int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.stats
	st.Requests++
	if method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions {
		st.Writes++
	}
	if st.ByMethod == nil {
		st.ByMethod, st.ByKind, st.Objects = map[string]int{}, map[string]map[string]int{}, map[string]map[string]int{}
	}
	st.ByMethod[method]++
	if kindName == "" {
		return
	}
	bump(st.ByKind, kindName, method, 1)
	if written > 0 {
		bump(st.Objects, kindName, method, written)
	}
}

func bump(m map[string]map[string]int, kindName, method string, n int) {
	if m[kindName] == nil {
		m[kindName] = map[string]int{}
	}
	m[kindName][method] += n
}
