"""The comparison of both sides under the same load: `python -m loadtests`."""
