package robot

// syncDir does nothing: renames are durable with the file on this system.
func syncDir(string) error { return nil }
