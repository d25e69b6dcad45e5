package fleet

import (
	"testing"
	"time"
)

func TestRoom(t *testing.T) {
	var m Room
	robot := func(status RobotStatus, slots, taken int, words ...string) {
		m.Robot(&Robot{Status: status, Connected: status != RobotOffline, WishedSlots: slots, Taken: taken, Capabilities: words})
	}
	robot(RobotOnline, 3, 1, "gpu", CapCheckpoints) // which nobody is shown
	robot(RobotBusy, 2, 2, "gpu", "scanner")
	robot(RobotMaintenance, 4, 1, "gpu")
	robot(RobotOffline, 9, 0, "gpu")
	robot(RobotOnline, 1, 2, "cloud") // its slots were lowered while it worked
	m.Wait(Capabilities{"gpu", "scanner"}, 5, []time.Duration{2 * time.Second, 4 * time.Second})
	m.Wait(Capabilities{CapCheckpoints, "gpu"}, 1, []time.Duration{9 * time.Second})
	list := m.List()
	by := map[string]CapabilityRoom{}
	for _, c := range list {
		by[c.Capability] = c
		if c.Used+c.Free+c.Held != c.Slots {
			t.Errorf("%s does not add up: %+v", c.Capability, c)
		}
	}
	want := CapabilityRoom{Capability: "gpu", Robots: 4, Connected: 3, Slots: 9, Used: 4, Free: 2, Held: 3, Waiting: 6, MeanWaitMS: 5000, Sampled: 3}
	if by["gpu"] != want {
		t.Errorf("gpu = %+v, want %+v", by["gpu"], want)
	}
	if c := by["scanner"]; c.Waiting != 5 || c.MeanWaitMS != 3000 || c.Free != 0 {
		t.Errorf("scanner = %+v", c)
	}
	if c := by["cloud"]; c.Slots != 2 || c.Used != 2 || c.Free != 0 {
		t.Errorf("cloud = %+v", c)
	}
	if len(list) != 8 || list[7].Capability != "scanner" || list[0].Capability != "browser" || list[0].Robots != 0 {
		t.Errorf("list = %+v", list)
	}
}
