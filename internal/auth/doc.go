// Package auth decides who may use the service: it makes API keys, checks
// them, and holds off who tries wrong ones.
//
// A key is kept as its bcrypt hash. Checking that costs a fifth of a second
// of one core, so it is done once for each key and process; from then on the
// key is known by a digest under a random key of the process, and a request
// costs some microseconds. A wrong key is hardly ever worth a bcrypt either:
// beside each hash rests one byte of another keyed digest, which tells 255 of
// 256 wrong keys apart. It is one byte, and its key is sealed with the
// encryption key, so that even who has both saves only those 255.
//
// Failures are counted for each source and credential, and for each source.
// Who has failed too often is told to wait; a valid key is let in always, for
// otherwise anybody behind the same proxy could lock it out. What protects a
// key from being guessed is its length.
package auth
