package session

// Version is that of the product; a release is tagged with it.
const Version = "0.1.0"

// userAgent names this program and its version truthfully: administrators may
// let only some versions in.
const userAgent = "Communicator/" + Version
