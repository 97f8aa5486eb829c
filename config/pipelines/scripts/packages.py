"""The steps of chain.yaml: from lines of Debian's package database to a verdict on the machine.

`facts` reads lines on stdin; a line is a fact of its own, so that the database can be cut anywhere.
The other steps read JSON from stdin; `summary` reads three files, named after the step.
"""

import json
import sys


def facts():
    counts = {}
    for line in sys.stdin:
        key, _, value = line.rstrip("\n").partition(": ")
        if key in ("Section", "Priority"):
            fact = f"{key.lower()}/{value.split('/')[-1]}"
        elif key == "Installed-Size":
            counts["size/kib"] = counts.get("size/kib", 0) + int(value)
            fact = "size/packages"
        else:
            continue
        counts[fact] = counts.get(fact, 0) + 1
    return counts


def part(counts, prefix):
    chosen = {k.partition("/")[2]: n for k, n in counts.items() if k.startswith(prefix + "/")}
    return dict(sorted(chosen.items(), key=lambda item: (-item[1], item[0])))


def load(path):
    """A JSON document; one that is the only element of a list stands for itself."""
    with open(path, encoding="utf-8") as file:
        return only(json.load(file))


def only(value):
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def summary(sections, priorities, size):
    return {
        "top-sections": list(sections)[:5],
        "libraries": sections.get("libs", 0) + sections.get("libdevel", 0),
        "packages": sum(sections.values()),
        "optional": priorities.get("optional", 0),
        "mib": size["kib"] // 1024,
    }


def judge(step, seen):
    """Three rules of thumb: `minimal`, `server` or `workstation`."""
    if step == "judge-sections":
        return "workstation" if seen["libraries"] * 4 > seen["packages"] else "server"
    if step == "judge-priorities":
        required = seen["packages"] - seen["optional"]
        return "minimal" if required > seen["optional"] else "workstation"
    return "minimal" if seen["mib"] < 512 else "server" if seen["mib"] < 1536 else "workstation"


def main(step, files):
    if step == "facts":
        return facts()
    if step == "summary":
        return summary(*map(load, files))
    if step.startswith("judge-"):
        return judge(step, only(json.load(sys.stdin))["summary"])
    return part(only(json.load(sys.stdin)), {"sections": "section", "priorities": "priority"}.get(step, step))


print(json.dumps(main(sys.argv[1], sys.argv[2:])))
