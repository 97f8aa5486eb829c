# A JSON object word -> count on stdin; on stdout the table of `uniq -c`, sorted by word.
# The words are letters only, so that the object can be cut at its punctuation.
set -eu
export LC_ALL=C
tr '{,}' '\n\n\n' | tr -d '" ' | sort | mawk -F: 'NF == 2 { printf "%7d %s\n", $2, $1 }'
