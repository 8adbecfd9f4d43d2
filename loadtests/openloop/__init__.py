"""Requests at a rate of their own, whether or not those before are answered: no stall of the site is hidden.

Who waits for an answer before asking again asks less when the site is slow, and so measures it less often
just then (coordinated omission). Here each request has an instant at which it is due, and its latency counts
from that instant: also while it waits for a connection, and also if the generator itself comes late.
"""
