"""Locust's users: passengers, inspectors and operators who do what such people do, and look at the answers.

Locust patches the standard library when it is imported, so this package lives in a process of its own:
nothing but `loadtests/locustfile.py` and its own `__main__` imports it.
"""
