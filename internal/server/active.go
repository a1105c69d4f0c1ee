package server

func (s *Server) activeRoutes() {}
