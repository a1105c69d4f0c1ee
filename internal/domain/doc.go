// Package domain holds the words of the program: what Proxmox VE runs
// (Cluster, Node, Guest, NIC, Disk, ...), what NetBox keeps (Object, Row,
// Inventory) and the endpoints between which it is carried. It does no I/O
// and knows no clock, so that everything that decides on it is pure.
package domain
