"""Numbers of rows on stdin; for each a row [base, exponent], one JSON array a line, on stdout."""

import json
import sys

for line in sys.stdin:
    row = int(line)
    print(json.dumps([1 + row / 8, (row % 21 - 10) / 4]))
