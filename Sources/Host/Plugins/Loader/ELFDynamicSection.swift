/// The part of a library that the dynamic linker reads: needs, paths, symbols.
struct ELFDynamicSection {
    /// The entries that matter here.
    enum Tag: UInt64 {
        case needed = 1
        case hash = 4
        case stringTable = 5
        case symbolTable = 6
        case stringSize = 10
        case oldRunPath = 15
        case runPath = 29
        case gnuHash = 0x6FFF_FEF5
        case flags = 0x6FFF_FFFB
    }

    /// How long a name may be; what is longer is cut, since it can only be shown.
    private static let maximumNameBytes: UInt64 = 4_096
    /// Symbols that linkers define in every library.
    private static let linkerSymbols: Set<String> = [
        "_init", "_fini", "__bss_start", "_edata", "_end", "_start",
    ]

    private let reader: ELFReader
    private let segments: [ELFReader.Segment]
    private var entries: [(tag: Tag, value: UInt64)] = []

    init(reader: ELFReader, segments: [ELFReader.Segment]) throws(PluginLoadError) {
        self.reader = reader
        self.segments = segments
        guard let dynamic = segments.first(where: { $0.type == 2 }) else {
            throw .notALibrary(path: reader.path, found: "a statically linked file")
        }
        for index in 0..<(dynamic.fileSize / 16) {
            let entry = dynamic.offset + index * 16
            let tag = try reader.number(UInt64.self, at: entry, of: "its dynamic section")
            if tag == 0 { break }
            guard let tag = Tag(rawValue: tag) else { continue }
            let value = try reader.number(UInt64.self, at: entry + 8, of: "its dynamic section")
            entries.append((tag, value))
        }
    }

    /// Whether it is a position-independent program, which has the same type as a library.
    var isProgram: Bool {
        let pie: UInt64 = 0x0800_0000
        return (first(.flags) ?? 0) & pie != 0
    }

    private func first(_ tag: Tag) -> UInt64? {
        entries.first { $0.tag == tag }?.value
    }

    /// The texts of all entries of one kind.
    func strings(_ tag: Tag) throws(PluginLoadError) -> [String] {
        var strings: [String] = []
        for entry in entries where entry.tag == tag {
            strings.append(try string(entry.value))
        }
        return strings
    }

    /// The names of the defined symbols that others can see.
    func exports() throws(PluginLoadError) -> [String] {
        guard let table = first(.symbolTable) else { return [] }
        let start = try offset(ofAddress: table)
        let what = "its table of symbols"
        var names: Set<String> = []
        for index in 1..<max(1, try symbolCount()) {
            let symbol = start + index * 24
            _ = try reader.position(symbol, count: 24, of: what)
            let info = try reader.number(UInt8.self, at: symbol + 4, of: what)
            let visibility = try reader.number(UInt8.self, at: symbol + 5, of: what) & 3
            let section = try reader.number(UInt16.self, at: symbol + 6, of: what)
            let isUndefined = section == 0
            let isVersionName = section == 0xFFF1
            let isLocal = info >> 4 == 0
            let isHidden = visibility == 1 || visibility == 2
            if isUndefined || isVersionName || isLocal || isHidden { continue }
            let name = try string(UInt64(try reader.number(UInt32.self, at: symbol, of: what)))
            if !Self.linkerSymbols.contains(name) { names.insert(name) }
        }
        return names.sorted()
    }

    private func symbolCount() throws(PluginLoadError) -> UInt64 {
        if let hash = first(.hash) {
            let table = try offset(ofAddress: hash)
            return UInt64(try reader.number(UInt32.self, at: table + 4, of: "its hash table"))
        }
        guard let hash = first(.gnuHash) else { return 0 }
        return try gnuSymbolCount(try offset(ofAddress: hash))
    }

    /// The GNU table does not say how many symbols there are: the last chain ends at the last one.
    private func gnuSymbolCount(_ table: UInt64) throws(PluginLoadError) -> UInt64 {
        let what = "its hash table"
        let buckets = UInt64(try reader.number(UInt32.self, at: table, of: what))
        let firstSymbol = UInt64(try reader.number(UInt32.self, at: table + 4, of: what))
        let bloomWords = UInt64(try reader.number(UInt32.self, at: table + 8, of: what))
        let bucketTable = table + 16 + bloomWords * 8
        _ = try reader.position(bucketTable, count: buckets * 4, of: what)
        var last: UInt64 = 0
        for index in 0..<buckets {
            last = max(
                last, UInt64(try reader.number(UInt32.self, at: bucketTable + index * 4, of: what)))
        }
        guard last >= firstSymbol else { return firstSymbol }
        let chains = bucketTable + buckets * 4
        while try reader.number(UInt32.self, at: chains + (last - firstSymbol) * 4, of: what) & 1
            == 0
        {
            last += 1
        }
        return last + 1
    }

    private func offset(ofAddress address: UInt64) throws(PluginLoadError) -> UInt64 {
        let segment = segments.first {
            $0.type == 1 && address >= $0.address && address - $0.address < $0.fileSize
        }
        guard let segment else { throw reader.truncated("a table at address \(address)") }
        return segment.offset + (address - segment.address)
    }

    private func string(_ index: UInt64) throws(PluginLoadError) -> String {
        let what = "its table of strings"
        guard let table = first(.stringTable), let size = first(.stringSize), index < size else {
            throw reader.truncated(what)
        }
        let (place, overflow) = try offset(ofAddress: table).addingReportingOverflow(index)
        guard !overflow else { throw reader.truncated(what) }
        let start = try reader.position(place, count: 1, of: what)
        let limit = Int(
            min(size - index, Self.maximumNameBytes, UInt64(reader.bytes.count - start)))
        let name = reader.bytes[start..<(start + limit)].prefix { $0 != 0 }
        return String(decoding: name, as: UTF8.self)
    }
}
