"""The rules of paying, without I/O."""
