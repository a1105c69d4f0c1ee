// Package secret keeps credentials unreadable where they rest and out of what
// is written for people: it encrypts what the database holds, finds or makes
// the key for that, and blanks out secrets in log lines.
package secret
