# Names of files on stdin; on stdout a JSON object: word -> how often it occurs.
# $1 is the number of the shard.
#
# `tr` turns what comes before the first word into one empty line, which `uniq -c` counts as a
# word.  Only the first shard keeps it, so that it is counted once and not once for each shard.
set -eu
export LC_ALL=C
tr '\n' '\0' | xargs -0 cat -- | tr -cs A-Za-z '\n' | mawk -v shard="$1" '
    { n[$0]++ }
    END {
        if (shard > 0) delete n[""]
        printf "{"
        for (word in n) { printf "%s\"%s\":%d", comma, word, n[word]; comma = "," }
        print "}"
    }'
