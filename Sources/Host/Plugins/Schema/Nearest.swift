/// The word of `candidates` that was probably meant by `word`; `nil` if none is near.
///
/// Near is a distance of at most 2 or a third of the longer word, and never all of the word.
///
/// Complexity: the number of candidates times the product of the lengths, words past 64
/// characters being left out.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let longest = 64
    let letters = Array(word.lowercased())
    guard !letters.isEmpty, letters.count <= longest else { return nil }
    var best: (distance: Int, candidate: String)?
    for candidate in candidates where candidate != word {
        let other = Array(candidate.lowercased())
        guard !other.isEmpty, other.count <= longest else { continue }
        let limit = max(
            min(2, min(letters.count, other.count) - 1), max(letters.count, other.count) / 3)
        let distance = editDistance(letters, other)
        guard distance <= limit, distance < best?.distance ?? .max else { continue }
        best = (distance, candidate)
    }
    return best?.candidate
}

/// How many insertions, deletions, replacements and swaps of neighbours turn one into the other.
///
/// Source: F. J. Damerau, A technique for computer detection and correction of spelling errors,
/// CACM 7(3), 1964; the restricted form, in which no part is edited twice.
func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 1..<(left.count + 1) {
        var current = [row] + [Int](repeating: 0, count: right.count)
        for column in 1..<(right.count + 1) {
            let cost = left[row - 1] == right[column - 1] ? 0 : 1
            var distance = min(
                last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
            if row > 1, column > 1, left[row - 1] == right[column - 2],
                left[row - 2] == right[column - 1]
            {
                distance = min(distance, beforeLast[column - 2] + 1)
            }
            current[column] = distance
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
