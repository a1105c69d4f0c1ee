package server

func (s *Server) syncRoutes() {}
