// Package interop holds the tests against real servers and other programs: a
// Kamailio pool (deploy/kamailio), slapd, dnsmasq, baresip and linphonec, each
// started on loopback with a folder of its own and stopped by its process id.
//
// It is nothing but tests, behind the build tag interop, because they need
// Debian packages: make interop installs what is missing and runs them, make
// bench runs those named Figures, make active the one of the large domain
// controller. Begin with stories_test.go: what users do, the same at the lab and
// at Kamailio, each of which is a place (place_test.go).
package interop
