package server

// passThroughRoutes are those that answer what Proxmox says, and those that
// would do what is never done here.
func (s *Server) passThroughRoutes() {
	s.statusRoutes()
	s.configRoutes()
	s.apiRoutes()
	s.firewallRoutes()
	s.datacenterRoutes()
	s.clusterRoutes()
	s.haRoutes()
	s.nodeRoutes()
	s.storageRoutes()
	s.sdnReadRoutes()
	s.templateRoutes()
	s.readOnlyRoutes()
	s.absentRoutes()
}
