package outbound

import (
	"encoding/binary"
	"net/netip"

	"github.com/casarerpa/fleet/fleet"
)

// Class says what kind of place an address is.
type Class string

// The classes. Public is everything that no table below names.
const (
	Public    Class = "public"
	Metadata  Class = "a cloud metadata service"
	Loopback  Class = "this machine itself"
	Private   Class = "a private network"
	LinkLocal Class = "the local link"
	Reserved  Class = "reserved or not a single host"
)

// Policy says which addresses may be reached. The zero Policy is the strict
// one: public addresses only.
type Policy struct {
	Loopback  bool // this machine
	Private   bool // private networks and carrier NAT
	LinkLocal bool
	// Allow lists networks that may be reached whatever their class. A metadata
	// service must be named exactly (/32 or /128); a wide network never opens it.
	Allow []netip.Prefix
}

// Strict is what orchestrators use: public addresses and the allow-list.
func Strict(allow ...netip.Prefix) Policy { return Policy{Allow: allow} }

// Intranet is what robots use unless told otherwise: they work on intranets, so
// everything but metadata services and impossible addresses is open to them.
func Intranet() Policy { return Policy{Loopback: true, Private: true, LinkLocal: true} }

// Check refuses an address that the policy does not open. The error says why in
// words and has the code forbidden.
func (p Policy) Check(addr netip.Addr) error {
	class := Classify(addr)
	if p.opens(addr, class) {
		return nil
	}
	return fleet.Errorf(fleet.CodeForbidden, "address_refused",
		"The address %s belongs to %s, and the network policy refuses it.", addr.Unmap().WithZone(""), class).
		WithFix("Allow it in the configuration of this program if it is meant to be reached.")
}

func (p Policy) opens(addr netip.Addr, class Class) bool {
	switch class {
	case Public:
		return true
	case Loopback:
		if p.Loopback {
			return true
		}
	case Private:
		if p.Private {
			return true
		}
	case LinkLocal:
		if p.LinkLocal {
			return true
		}
	case Metadata, Reserved: // by the allow-list only
	}
	plain := addr.Unmap().WithZone("")
	for _, prefix := range p.Allow {
		if prefix.Contains(plain) && (class != Metadata || prefix.IsSingleIP()) {
			return true
		}
	}
	return false
}

// Classify says what kind of place an address is. An IPv6 address that carries
// an IPv4 one is what the inner address is, unless that is public: then it is
// reserved, since nobody uses these forms for an honest reason.
func Classify(addr netip.Addr) Class {
	addr = addr.WithZone("").Unmap()
	if !addr.IsValid() {
		return Reserved
	}
	for _, row := range table() {
		if row.prefix.Contains(addr) {
			return row.class
		}
	}
	if inner, ok := embedded(addr); ok {
		if class := Classify(inner); class != Public {
			return class
		}
		return Reserved
	}
	return Public
}

// embedded takes the IPv4 address out of the IPv6 forms that carry one.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	if addr.Is4() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(addr), // NAT64
		netip.MustParsePrefix("64:ff9b:1::/48").Contains(addr),  // local NAT64, in its /96 form
		netip.MustParsePrefix("::/96").Contains(addr),           // IPv4-compatible
		netip.MustParsePrefix("::ffff:0:0:0/96").Contains(addr): // IPv4-translated
		return at(12), true
	case netip.MustParsePrefix("2002::/16").Contains(addr): // 6to4
		return at(2), true
	case netip.MustParsePrefix("2001::/32").Contains(addr): // Teredo, bits inverted
		var inner [4]byte
		binary.BigEndian.PutUint32(inner[:], ^binary.BigEndian.Uint32(b[12:]))
		return netip.AddrFrom4(inner), true
	case b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP
		return at(12), true
	}
	return netip.Addr{}, false
}

type rangeRow struct {
	prefix netip.Prefix
	class  Class
}

// table lists the ranges that are not public; the first match counts, so single
// addresses stand before the networks around them.
func table() []rangeRow {
	rows := []rangeRow{}
	add := func(class Class, prefixes ...string) {
		for _, p := range prefixes {
			rows = append(rows, rangeRow{netip.MustParsePrefix(p), class})
		}
	}
	add(Metadata,
		"169.254.169.254/32",                    // most clouds
		"169.254.169.253/32",                    // resolver beside it
		"169.254.170.2/32", "169.254.170.23/32", // container credentials
		"168.63.129.16/32",                     // virtual host of one cloud, in public space
		"100.100.100.200/32", "192.0.0.192/32", // two more clouds
		"fd00:ec2::254/128", "fd00:ec2::23/128",
		"fd20:ce::254/128", "fe80::a9fe:a9fe/128",
	)
	add(Loopback, "127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128")
	add(Private, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
	add(LinkLocal, "169.254.0.0/16", "fe80::/10")
	add(Reserved,
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4",
		"100::/64", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "3fff::/20", "5f00::/16", "ff00::/8",
	)
	return rows
}
