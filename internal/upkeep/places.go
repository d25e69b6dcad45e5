package upkeep

import "github.com/casarerpa/fleet/fleet"

// places are the calls to other systems that may be under way: in all, of one tenant,
// and to one destination. What does not answer holds its places until its time is
// over, so nobody may have all of them.
type places struct {
	all, ofTenant, ofOne int // how many there are

	taken   int
	tenants map[fleet.TenantID]int
	ones    map[string]int
}

func newPlaces(all, ofTenant, ofOne int) places {
	return places{all: all, ofTenant: ofTenant, ofOne: ofOne, tenants: map[fleet.TenantID]int{}, ones: map[string]int{}}
}

// take takes a place, if there is one; free gives it back.
func (p *places) take(tenant fleet.TenantID, one string) bool {
	if p.taken >= p.all || p.tenants[tenant] >= p.ofTenant || p.ones[one] >= p.ofOne {
		return false
	}
	p.taken++
	p.tenants[tenant]++
	p.ones[one]++
	return true
}

func (p *places) free(tenant fleet.TenantID, one string) {
	p.taken--
	if p.tenants[tenant]--; p.tenants[tenant] <= 0 {
		delete(p.tenants, tenant)
	}
	if p.ones[one]--; p.ones[one] <= 0 {
		delete(p.ones, one)
	}
}
