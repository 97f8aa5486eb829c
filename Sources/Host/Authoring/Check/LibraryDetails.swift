@preconcurrency import Glibc

/// What the dynamic linker is told about a library, beyond what a host reads before loading it.
///
/// Source: System V ABI, chapter 5; Linux Standard Base, symbol versioning.
struct LibraryDetails {
    var isBoundNow = false
    var hasRelro = false
    var hasTextRelocations = false
    var hasExecutableStack = true
    /// Names of the symbols it wants from others, weak ones left out, each with the library
    /// version that it wants it from; no version means any library or the host.
    var imports: [(name: String, version: String?)] = []
    /// The versions of other libraries that it wants: `GLIBC_2.34`.
    var versions: [String] = []

    /// The symbols that others see beside the linker's own, with how they are bound.
    var exports: [(name: String, binding: Binding)] = []

    /// What happens when another library shows the same symbol.
    enum Binding: UInt8 {
        case global = 1
        case weak = 2
        /// One for the whole process, whatever the visibility of the libraries.
        case unique = 10
    }

    let bytes: [UInt8]
    private(set) var segments:
        [(type: UInt32, flags: UInt32, offset: Int, address: Int, size: Int)] = []
    private(set) var tags: [UInt64: Int] = [:]

    /// Reads the file; `nil` if a table is not where the header says.
    init?(path: String) {
        guard let bytes = Self.read(path) else { return nil }
        self.bytes = bytes
        guard readSegments() else { return nil }
        hasRelro = segments.contains { $0.type == 0x6474_E552 }
        if let stack = segments.first(where: { $0.type == 0x6474_E551 }) {
            hasExecutableStack = stack.flags & 1 != 0
        }
        let flags = tags[30] ?? 0
        isBoundNow = tags[24] != nil || flags & 8 != 0 || (tags[0x6FFF_FFFB] ?? 0) & 1 != 0
        hasTextRelocations = tags[22] != nil || flags & 4 != 0
        let names = readVersions()
        readImports(names)
        versions = names.values.sorted()
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let size = ftell(file)
        rewind(file)
        guard size > 0 else { return nil }
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = fread(buffer.baseAddress, 1, size, file)
        }
    }

    func number<T: FixedWidthInteger>(_ type: T.Type, _ offset: Int) -> T? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else { return nil }
        return bytes.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
    }

    func word(_ offset: Int) -> Int? {
        number(UInt64.self, offset).flatMap { Int(exactly: $0) }
    }

    private mutating func readSegments() -> Bool {
        guard let table = word(32), let size = number(UInt16.self, 54),
            let count = number(UInt16.self, 56)
        else { return false }
        for index in 0..<Int(count) {
            let start = table + index * Int(size)
            guard let type = number(UInt32.self, start), let flags = number(UInt32.self, start + 4),
                let offset = word(start + 8), let address = word(start + 16),
                let length = word(start + 32)
            else { return false }
            segments.append((type, flags, offset, address, length))
        }
        guard let dynamic = segments.first(where: { $0.type == 2 }) else { return false }
        for index in 0..<(dynamic.size / 16) {
            guard let tag = number(UInt64.self, dynamic.offset + index * 16), tag != 0,
                let value = number(UInt64.self, dynamic.offset + index * 16 + 8)
            else { break }
            tags[tag] = Int(truncatingIfNeeded: value)
        }
        return true
    }

    func offset(_ tag: UInt64) -> Int? { tags[tag].flatMap { offset(address: $0) } }

    /// Where in the file the byte of an address is.
    func offset(address: Int) -> Int? {
        let segment = segments.first {
            $0.type == 1 && address >= $0.address && address - $0.address < $0.size
        }
        return segment.map { $0.offset + address - $0.address }
    }

    func text(_ index: Int) -> String {
        guard let table = offset(5), index >= 0, table + index < bytes.count else { return "" }
        return String(decoding: bytes[(table + index)...].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The wanted versions by their index in the table of symbol versions.
    private func readVersions() -> [UInt16: String] {
        var names: [UInt16: String] = [:]
        guard var need = offset(0x6FFF_FFFE) else { return names }
        for _ in 0..<(tags[0x6FFF_FFFF] ?? 0) {
            guard let count = number(UInt16.self, need + 2),
                let first = number(UInt32.self, need + 8), let next = number(UInt32.self, need + 12)
            else { break }
            var entry = need + Int(first)
            for _ in 0..<count {
                guard let index = number(UInt16.self, entry + 6),
                    let name = number(UInt32.self, entry + 8),
                    let following = number(UInt32.self, entry + 12)
                else { break }
                names[index & 0x7FFF] = text(Int(name))
                entry += Int(following)
            }
            guard next != 0 else { break }
            need += Int(next)
        }
        return names
    }

    /// The symbols end where the strings begin, in every linker's output.
    private mutating func readImports(_ versions: [UInt16: String]) {
        guard let symbols = offset(6), let strings = offset(5), strings > symbols else { return }
        let versionTable = offset(0x6FFF_FFF0)
        for index in 1..<max(1, (strings - symbols) / 24) {
            let start = symbols + index * 24
            guard let name = number(UInt32.self, start), let info = number(UInt8.self, start + 4),
                let section = number(UInt16.self, start + 6)
            else { return }
            if section != 0 { readExport(text(Int(name)), start) }
            guard section == 0, info >> 4 == 1 else { continue }
            let version = versionTable.flatMap { number(UInt16.self, $0 + index * 2) }
            imports.append((text(Int(name)), version.flatMap { versions[$0 & 0x7FFF] }))
        }
    }

    private mutating func readExport(_ name: String, _ symbol: Int) {
        let isVersionName = number(UInt16.self, symbol + 6) == 0xFFF1
        let visibility = (number(UInt8.self, symbol + 5) ?? 0) & 3
        guard !isVersionName, visibility != 1, visibility != 2,
            let binding = number(UInt8.self, symbol + 4).flatMap({ Binding(rawValue: $0 >> 4) })
        else { return }
        exports.append((name, binding))
    }
}
