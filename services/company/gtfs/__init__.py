"""GTFS feeds: read in a process of their own, loaded whole or not at all, and written from what we run.

`archive` opens the zip within bounds, `tables` reads its files, `parse` makes a `feed` of them, `worker` does
that beside the event loop, `load` brings it into the database, `imports` says how far it is, and `export` is
the way back.
"""
