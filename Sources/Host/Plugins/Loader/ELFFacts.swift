/// What a shared library says about itself, read without loading it.
package struct ELFFacts: Hashable, Sendable {
    /// Names of the symbols that it shows, sorted; those of the linker left out.
    package var exports: [String] = []
    /// The libraries that it needs, in order.
    package var needed: [String] = []
    /// The folders that it looks in first, as written: `$ORIGIN` is the file's own folder.
    package var runPath: [String] = []

    /// Nothing is known.
    init() {}

    /// Reads the file's own tables.
    ///
    /// Throws: the first thing that would keep this host from loading it.
    package init(_ bytes: UnsafeRawBufferPointer, path: String) throws(PluginLoadError) {
        let reader = ELFReader(bytes: bytes, path: path)
        try reader.checkHeader()
        let segments = try reader.segments()
        let dynamic = try ELFDynamicSection(reader: reader, segments: segments)
        guard !dynamic.isProgram else { throw .notALibrary(path: path, found: "a program") }
        needed = try dynamic.strings(.needed)
        let paths = try dynamic.strings(.runPath)
        runPath = (paths.isEmpty ? try dynamic.strings(.oldRunPath) : paths)
            .flatMap { $0.split(separator: ":").map(String.init) }
        exports = try dynamic.exports()
        try checkEntry(path)
    }

    private func checkEntry(_ path: String) throws(PluginLoadError) {
        guard !exports.contains(HostABI.entrySymbol) else { return }
        let majors = exports.compactMap { name in
            name.hasPrefix(HostABI.entryPrefix)
                ? Int(name.dropFirst(HostABI.entryPrefix.count)) : nil
        }
        guard majors.isEmpty else { throw .otherMajor(path: path, found: majors.sorted()) }
        throw .noEntry(path: path, exports: exports)
    }
}

/// Reads numbers and tables of an ELF file, never past its end.
///
/// Source: System V ABI, chapters 4 and 5; psABI of x86-64 and AArch64.
struct ELFReader {
    /// One part of the file that is mapped into memory.
    struct Segment {
        var type: UInt32
        var offset: UInt64
        var address: UInt64
        var fileSize: UInt64
    }

    let bytes: UnsafeRawBufferPointer
    let path: String

    /// Reads a little-endian number.
    func number<T: FixedWidthInteger>(
        _ type: T.Type, at offset: UInt64, of what: String
    ) throws(PluginLoadError) -> T {
        let start = try position(offset, count: UInt64(MemoryLayout<T>.size), of: what)
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: T.self))
    }

    /// Checks that `count` bytes lie in the file.
    func position(
        _ offset: UInt64, count: UInt64, of what: String
    ) throws(PluginLoadError) -> Int {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, end <= UInt64(bytes.count) else { throw truncated(what) }
        return Int(offset)
    }

    func truncated(_ what: String) -> PluginLoadError {
        .truncated(path: path, bytes: bytes.count, wanted: what)
    }

    func checkHeader() throws(PluginLoadError) {
        guard bytes.count >= 4, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            throw .notELF(path: path, found: Self.kind(of: bytes))
        }
        let header = "the end of its header"
        guard try number(UInt8.self, at: 4, of: header) == 2 else { throw .wrongClass(path: path) }
        guard try number(UInt8.self, at: 5, of: header) == 1 else {
            throw .wrongByteOrder(path: path)
        }
        let type = try number(UInt16.self, at: 16, of: header)
        let machine = try number(UInt16.self, at: 18, of: header)
        guard machine == ELFMachine.host else {
            throw .wrongMachine(
                path: path, found: ELFMachine.name(machine), host: ELFMachine.name(ELFMachine.host))
        }
        switch type {
        case 3: break
        case 1: throw .notALibrary(path: path, found: "an object file")
        case 2: throw .notALibrary(path: path, found: "a program")
        default: throw .notALibrary(path: path, found: "an ELF file of type \(type)")
        }
        let sections = try number(UInt64.self, at: 40, of: header)
        let size = UInt64(try number(UInt16.self, at: 58, of: header))
        let count = UInt64(try number(UInt16.self, at: 60, of: header))
        _ = try position(sections, count: size * count, of: "its table of sections")
    }

    /// What a file that is not ELF looks like.
    private static func kind(of bytes: UnsafeRawBufferPointer) -> String {
        let known: [([UInt8], String)] = [
            ([0x4D, 0x5A], "a Windows library"), ([0xCF, 0xFA, 0xED, 0xFE], "a macOS library"),
            ([0xCA, 0xFE, 0xBA, 0xBE], "a macOS library"),
            (Array("!<arch>".utf8), "a static library"), (Array("#!".utf8), "a script"),
        ]
        if bytes.isEmpty { return "an empty file" }
        if let match = known.first(where: { bytes.starts(with: $0.0) }) { return match.1 }
        let isText = bytes.prefix(64).allSatisfy { $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 }
        return isText ? "a text file" : "a file of another kind"
    }

    func segments() throws(PluginLoadError) -> [Segment] {
        let what = "its table of segments"
        let table = try number(UInt64.self, at: 32, of: what)
        let entrySize = try number(UInt16.self, at: 54, of: what)
        let count = UInt64(try number(UInt16.self, at: 56, of: what))
        guard entrySize == 56, count > 0 else {
            throw .notALibrary(path: path, found: "an ELF file without segments")
        }
        _ = try position(table, count: count * 56, of: what)
        var segments: [Segment] = []
        for index in 0..<count {
            let entry = table + index * 56
            let segment = Segment(
                type: try number(UInt32.self, at: entry, of: what),
                offset: try number(UInt64.self, at: entry + 8, of: what),
                address: try number(UInt64.self, at: entry + 16, of: what),
                fileSize: try number(UInt64.self, at: entry + 32, of: what))
            if segment.type == 1 || segment.type == 2 {
                _ = try position(
                    segment.offset, count: segment.fileSize, of: "the end of segment \(index)")
            }
            segments.append(segment)
        }
        return segments
    }
}

/// The processors that a library may be built for.
enum ELFMachine {
    #if arch(x86_64)
        static let host: UInt16 = 62
    #elseif arch(arm64)
        static let host: UInt16 = 183
    #else
        #error("name the ELF machine number of this processor")
    #endif

    static func name(_ machine: UInt16) -> String {
        let known: [UInt16: String] = [
            3: "i386", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86-64",
            183: "aarch64", 243: "riscv", 258: "loongarch",
        ]
        return known[machine] ?? "machine \(machine)"
    }
}
