"""A program as `loadtests.compare.attendant` keeps them: it does what an order says, badly if it says so."""

from __future__ import annotations

import json
import sys
import threading

KNEES = {"legacy": 300, "service": 500}
"""Of the site that is asked, which is not there."""

if __name__ == "__main__":
    for told, line in enumerate(sys.stdin, 1):
        order = json.loads(line)
        match order["do"]:
            case "step":
                order["is_past_knee"] = order["rate_per_s"] > KNEES[order["side"]]
                print(json.dumps({"found": order | {"ended": 0.0}}), flush=True)
            case "saturation":
                order["answers_per_s"] = KNEES[order["side"]] * 1.2
                print(json.dumps({"found": order | {"ended": 0.0}}), flush=True)
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
