"""A program as `loadtests.compare.attendant` keeps them: it does what an order says, badly if it says so."""

from __future__ import annotations

import json
import sys
import threading

if __name__ == "__main__":
    for told, line in enumerate(sys.stdin, 1):
        match json.loads(line)["do"]:
            case "well":
                sys.stderr.write('{"done": 1, "of": 2}\n')
                sys.stderr.flush()
                print("measuring", flush=True)
                print("measured", flush=True)
                print(json.dumps({"found": told}), flush=True)
            case "not":
                print(json.dumps({"cannot": "nobody is there"}), flush=True)
            case "else":
                print(json.dumps({"unknown": "no such route"}), flush=True)
            case "die":
                sys.exit("it was too much")
            case _:
                threading.Event().wait()
