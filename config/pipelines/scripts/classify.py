"""Names of files on stdin; for each a line {"file": …, "copyleft": true or false} on stdout.

The argument is the method: bayes, centroid or keyword.  Nothing but Python's standard library.
"""

import collections
import json
import math
import os
import re
import sys

# What the two kinds of licence say of themselves, paraphrased: the training texts.
COPYLEFT = """
    any derived work that you distribute must be licensed as a whole under the same licence
    you must provide the complete corresponding source code of modified versions
    this free documentation may be copied only if all copies keep this same license
    each version of the library or program must remain free software for all its users
    covered work conveyed under this general public license with source
    modified versions shall be released under precisely this license
"""
PERMISSIVE = """
    redistribution in binary form is permitted provided that the copyright notice is kept
    the software is provided as is without warranty of any kind express or implied
    you may sublicense and sell copies and use other terms for your derivative works
    neither the name of the university nor of its contributors may be used to endorse products
    the work is dedicated to the public domain and all rights are waived
    the copyright holder may choose different terms for a package of his own
"""


def words(text):
    return re.findall(r"[a-z]{3,}", text.lower())


CLASSES = {True: collections.Counter(words(COPYLEFT)), False: collections.Counter(words(PERMISSIVE))}
# A word that both kinds use tells nothing.
VOCABULARY = sorted(set(CLASSES[True]) ^ set(CLASSES[False]))


def bayes(found):
    score = {}
    for kind, counts in CLASSES.items():
        total = sum(counts.values()) + len(VOCABULARY)
        score[kind] = sum(n * math.log((counts[w] + 1) / total) for w, n in found.items())
    return score[True] > score[False]


def centroid(found):
    def cosine(counts):
        dot = sum(found[w] * counts[w] for w in VOCABULARY)
        return dot / math.sqrt(sum(counts[w] ** 2 for w in VOCABULARY))

    return cosine(CLASSES[True]) > cosine(CLASSES[False])


def keyword(text):
    return bool(re.search(r"\b(gnu|general\s+public|free\s+documentation|source\s+code\s+form)\b", text.lower()))


def main(method):
    for line in sys.stdin:
        path = line.rstrip("\n")
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if method == "keyword":
            verdict = keyword(text)
        else:
            found = collections.Counter(w for w in words(text) if w in set(VOCABULARY))
            verdict = {"bayes": bayes, "centroid": centroid}[method](found)
        print(json.dumps({"file": os.path.basename(path), "copyleft": verdict}))


main(sys.argv[1])
