package outbound

import (
	"net/netip"
	"testing"
)

// TestRanges walks every refused range at its first, its last and an inner
// address, and the neighbours outside that must stay reachable.
func TestRanges(t *testing.T) {
	for _, c := range []struct {
		class Class
		addrs []string
	}{
		{Public, []string{
			"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
			"128.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
			"198.20.0.0", "223.255.255.255", "168.63.129.15", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8",
		}},
		{Metadata, []string{
			"169.254.169.254", "169.254.169.253", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200",
			"192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0",
			"::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
			"2002:a9fe:a9fe::1", "2001:0:1:2:3:4:5601:5601", "::ffff:0:a9fe:a9fe", "2606:4700::5efe:a9fe:a9fe",
		}},
		{Loopback, []string{
			"127.0.0.1", "127.0.0.0", "127.255.255.255", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1",
			"64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1",
		}},
		{Private, []string{
			"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "100.64.0.0",
			"100.127.255.255", "fc00::", "fdff:ffff::1", "fec0::1", "::ffff:10.1.2.3", "64:ff9b::a00:1", "2002:c0a8:101::",
		}},
		{LinkLocal, []string{"169.254.0.0", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf::1", "::ffff:169.254.1.1"}},
		{Reserved, []string{
			"192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9",
			"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "100::1", "2001:db8::1", "2001:2::1",
			"3fff::1", "5f00::1", "ff02::1", "64:ff9b::808:808", "2002:808:808::1", "::8.8.8.8",
		}},
	} {
		for _, text := range c.addrs {
			addr := netip.MustParseAddr(text)
			if got := Classify(addr); got != c.class {
				t.Errorf("%s is %q, want %q", text, got, c.class)
			}
			if err := Strict().Check(addr); (err == nil) != (c.class == Public) {
				t.Errorf("strict policy on %s: %v", text, err)
			}
			open := c.class != Metadata && c.class != Reserved
			if err := Intranet().Check(addr); (err == nil) != open {
				t.Errorf("intranet policy on %s: %v", text, err)
			}
			if err := Strict().Check(addr); err != nil && !Refused(err) {
				t.Errorf("%s: the refusal has no reason: %v", text, err)
			}
		}
	}
	if Classify(netip.Addr{}) != Reserved {
		t.Error("the zero address must be refused")
	}
}

func TestAllow(t *testing.T) {
	wide := Strict(netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("0.0.0.0/0"))
	exact := Strict(netip.MustParsePrefix("169.254.169.254/32"))
	for _, c := range []struct {
		policy Policy
		addr   string
		open   bool
	}{
		{wide, "10.20.1.1", true},
		{wide, "192.168.1.1", true},
		{wide, "169.254.169.254", false}, // only by its own name
		{wide, "::ffff:169.254.169.254", false},
		{exact, "169.254.169.254", true},
		{exact, "169.254.170.2", false},
		{Strict(), "10.20.1.1", false},
	} {
		if err := c.policy.Check(netip.MustParseAddr(c.addr)); (err == nil) != c.open {
			t.Errorf("%v on %s: %v, want open %v", c.policy.Allow, c.addr, err, c.open)
		}
	}
}

// FuzzClassify: an address never becomes more open by being wrapped.
func FuzzClassify(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254})
	f.Add([]byte{10, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			t.Skip()
		}
		inner := netip.AddrFrom4([4]byte(b))
		class := Classify(inner)
		mapped := netip.AddrFrom16(inner.As16())
		if got := Classify(mapped); got != class {
			t.Errorf("%s is %q, mapped it is %q", inner, class, got)
		}
		nat := [16]byte{0, 0x64, 0xff, 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}
		if Classify(netip.AddrFrom16(nat)) == Public {
			t.Errorf("%s behind NAT64 counts as public", inner)
		}
	})
}
