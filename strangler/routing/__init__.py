"""Which side answers a route: what is declared, what is flagged, and the pure decision between them.

`table` (declared) and `flags` (live) are compiled into a `snapshot`, which `decide` reads; `watcher` keeps
it up to date from Redis, `changes` makes changes, `records` is their durable copy. Nothing here knows HTTP
beyond a method and a path.
"""
