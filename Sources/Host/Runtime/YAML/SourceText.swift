/// The lines of a text as libyaml counts them.
enum SourceText {
    /// The lines without their ends.
    ///
    /// A line ends with `\n`, `\r\n`, a lone `\r`, or one of U+0085, U+2028, U+2029.
    static func lines(of text: String) -> [Substring] {
        var lines: [Substring] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let scalar = scalars[index]
            let next = scalars.index(after: index)
            guard isBreak(scalar) else {
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

    /// The place of the scalar at `offset`, counted in bytes of valid UTF-8.
    static func place(ofOffset offset: Int, in bytes: some BidirectionalCollection<UInt8>) -> Place
    {
        let before = lines(of: String(decoding: bytes.prefix(offset), as: UTF8.self))
        let column = before.last?.unicodeScalars.count ?? 0
        return Place(line: max(1, before.count), column: column + 1)
    }

    /// Whether libyaml begins a new line after the scalar.
    static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
