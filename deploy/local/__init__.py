"""The whole stack on one machine without Docker: what `make run` starts and what the tests stand on.

It is for development and for tests. It must never end a process that it cannot prove to be its own:
processes are known by pid, start time and state folder, never by name.
"""
