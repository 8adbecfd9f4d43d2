"""Rules without I/O: what a code says, how it is signed and drawn, and whether somebody may board with it."""
