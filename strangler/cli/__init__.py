"""The command line that steers the strangler: what is declared, what is flagged, and how it all is.

Exit codes: 0 done, 1 refused or failed, 2 not understood (arguments or environment). A refusal says why and
what to do next, on standard error; `--json` puts everything on standard output for programs.
"""
