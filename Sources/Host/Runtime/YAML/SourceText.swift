/// The lines of a text as libyaml and editors count them.
enum SourceText {
    /// The lines, without their ends.  A line ends with `\n`, `\r\n` or a lone `\r`.
    static func lines(of text: String) -> [Substring] {
        var lines: [Substring] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let scalar = scalars[index]
            let next = scalars.index(after: index)
            guard scalar == "\n" || scalar == "\r" else {
                index = next
                continue
            }
            lines.append(Substring(scalars[start..<index]))
            let isPair = scalar == "\r" && next < scalars.endIndex && scalars[next] == "\n"
            start = isPair ? scalars.index(after: next) : next
            index = start
        }
        lines.append(Substring(scalars[start...]))
        return lines
    }
}
