"""Load scenarios and benchmarks: nothing here runs in production."""
