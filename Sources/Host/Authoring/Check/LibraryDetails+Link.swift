extension LibraryDetails {
    /// The folders that it looks in first, as written.
    var runPaths: [String] {
        [15, 29].compactMap { tags[$0] }.flatMap {
            text($0).split(separator: ":").map(String.init)
        }
    }

    /// Whether it carries the number by which its debugging information is found.
    ///
    /// Source: the note NT_GNU_BUILD_ID (3) of GNU ld.
    var hasBuildID: Bool {
        segments.filter { $0.type == 4 }.contains { segment in
            var place = segment.offset
            while place + 12 <= segment.offset + segment.size,
                let nameSize = number(UInt32.self, place),
                let size = number(UInt32.self, place + 4), let type = number(UInt32.self, place + 8)
            {
                if type == 3, nameSize == 4, number(UInt32.self, place + 12) == 0x0055_4E47 {
                    return true
                }
                place += 12 + Self.padded(nameSize) + Self.padded(size)
            }
            return false
        }
    }

    private static func padded(_ size: UInt32) -> Int { (Int(size) + 3) & ~3 }

    /// The functions that run when it is loaded; an empty name where the file does not say.
    var initializers: [String] {
        guard let address = tags[25], let size = tags[27], let start = offset(address: address)
        else { return [] }
        let names = functionNames()
        let relocated = relativeAddends(address..<(address + size))
        return (0..<(size / 8)).map { index in
            var target = relocated[address + index * 8] ?? word(start + index * 8) ?? 0
            if target == 0 { target = -1 }
            return names[target] ?? ""
        }
    }

    /// What the relative relocations put into a range of addresses.
    private func relativeAddends(_ range: Range<Int>) -> [Int: Int] {
        let relative: UInt64 = 8
        let relativeARM: UInt64 = 1_027
        guard let start = offset(7), let size = tags[8] else { return [:] }
        var found: [Int: Int] = [:]
        for index in 0..<(size / 24) {
            let entry = start + index * 24
            guard let place = word(entry), range.contains(place),
                let info = number(UInt64.self, entry + 8),
                [relative, relativeARM].contains(info & 0xFFFF_FFFF),
                let addend = word(entry + 16)
            else { continue }
            found[place] = addend
        }
        return found
    }

    /// The names in the table for debuggers, by address; empty if it was stripped.
    private func functionNames() -> [Int: String] {
        guard let table = word(40), let size = number(UInt16.self, 58),
            let count = number(UInt16.self, 60)
        else { return [:] }
        func section(_ index: Int) -> Int { table + index * Int(size) }
        var names: [Int: String] = [:]
        for index in 0..<Int(count) where number(UInt32.self, section(index) + 4) == 2 {
            guard let start = word(section(index) + 24), let length = word(section(index) + 32),
                let link = number(UInt32.self, section(index) + 40),
                let strings = word(section(Int(link)) + 24)
            else { continue }
            for symbol in stride(from: start, to: start + length, by: 24) {
                guard let info = number(UInt8.self, symbol + 4), info & 15 == 2,
                    let name = number(UInt32.self, symbol), let value = word(symbol + 8)
                else { continue }
                names[value] = String(
                    decoding: bytes[min(bytes.count, strings + Int(name))...].prefix { $0 != 0 },
                    as: UTF8.self)
            }
        }
        return names
    }
}
