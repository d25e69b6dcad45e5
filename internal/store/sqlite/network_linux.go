package sqlite

import (
	"fmt"
	"syscall"

	"github.com/casarerpa/fleet/fleet"
)

// refuseNetwork refuses a folder on a network file system: locks and flushes
// do not mean there what the store takes them to mean.
func refuseNetwork(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look at the file system of the store: %w", err)
	}
	if name := networkName(uint32(st.Type)); name != "" {
		return fleet.Errorf(fleet.CodeInvalid, "network_file_system", "The store's folder is on a network file system (%s).", name).
			WithFix("Use a local disk.")
	}
	return nil
}

func networkName(magic uint32) string {
	return map[uint32]string{
		0x6969: "nfs", 0x517b: "smb", 0xff534d42: "cifs", 0xfe534d42: "smb2", 0x01021997: "9p", 0x5346414f: "afs", 0x00c36400: "ceph",
		0x73757245: "coda", 0x0bd00bd0: "lustre", 0x47504653: "gpfs",
	}[magic]
}
