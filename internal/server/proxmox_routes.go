package server

// passThroughRoutes are those that answer what Proxmox says.
func (s *Server) passThroughRoutes() {
	s.statusRoutes()
	s.configRoutes()
	s.apiRoutes()
	s.firewallRoutes()
	s.datacenterRoutes()
}
