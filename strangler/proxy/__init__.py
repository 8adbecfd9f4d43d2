"""The strangler's proxy: an HTTP/1.1 intermediary that sends each request to the side that its flag names.

Read from the bytes outwards: `heads`, `requests`, `responses` and `chunks` parse without I/O; `client` and
`upstream` are the two protocols; an `exchange` is one request and its answer between them; `switchboard` is
what all connections of a worker share; `worker` and `supervisor` are the processes.
"""
