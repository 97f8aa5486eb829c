"""A network of 26 inputs, 16 hidden cells and 3 outputs, one layer at a time.

The argument says what is done: `letters` turns names of files into the share of each letter,
`hidden` and `output` are the two layers.  The weights come from a seed, so that the two parts
agree on every machine.  One JSON array a line.
"""

import json
import math
import random
import string
import sys

INPUTS, HIDDEN, OUTPUTS = 26, 16, 3


def weights(seed, rows, columns):
    source = random.Random(seed)
    return [[source.uniform(-1, 1) for _ in range(columns)] for _ in range(rows)]


def layer(matrix, vector):
    return [math.fsum(w * x for w, x in zip(row, vector)) for row in matrix]


def letters(path):
    with open(path.rstrip("\n"), "rb") as file:
        text = file.read().decode("utf-8", "replace").lower()
    counts = [text.count(letter) for letter in string.ascii_lowercase]
    return [count / max(sum(counts), 1) for count in counts]


def hidden(line, matrix=weights(1, HIDDEN, INPUTS)):
    return [math.tanh(4 * x) for x in layer(matrix, json.loads(line))]


def output(line, matrix=weights(2, OUTPUTS, HIDDEN)):
    raised = [math.exp(x) for x in layer(matrix, json.loads(line))]
    return [x / math.fsum(raised) for x in raised]


step = {"letters": letters, "hidden": hidden, "output": output}[sys.argv[1]]
for line in sys.stdin:
    print(json.dumps(step(line)))
