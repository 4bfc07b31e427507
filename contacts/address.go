package contacts

import "communicator/address"

// Canonical returns the address of a contact as used everywhere outside wire/:
// "user@domain"; see address.Canonical.
func Canonical(text string) (string, error) { return address.Canonical(text) }
