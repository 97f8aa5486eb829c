@preconcurrency import Glibc

/// Where the host's tables are put, to catch a plugin that trusts a size that is not its own.
enum TablePlacement: Equatable {
    /// Anywhere.
    case plain
    /// Right before a page that nobody can read.
    case guarded
    /// With more behind it, as a newer host would have: pointers to a trap.
    case longer
    /// Only its first bytes, which is what its size says, right before a page that nobody can read.
    case truncated(Int)

    /// How many pointers to a trap a longer table ends with.
    private static let traps = 8

    /// A table in memory that stays until the process ends.
    ///
    /// Every table of the contract begins with its size.
    func place<Table>(_ table: Table) -> UnsafeMutablePointer<Table> {
        let size = MemoryLayout<Table>.size
        switch self {
        case .plain:
            let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
            memory.initialize(to: table)
            return memory
        case .guarded: return Self.beforeGuard(table, bytes: size)
        case .truncated(let bytes): return Self.beforeGuard(table, bytes: min(bytes, size))
        case .longer:
            let memory = UnsafeMutableRawPointer.allocate(
                byteCount: size + Self.traps * 8, alignment: 8)
            memory.bindMemory(to: Table.self, capacity: 1).initialize(to: table)
            let trap: @convention(c) () -> Void = { abort() }
            for index in 0..<Self.traps {
                memory.storeBytes(of: trap, toByteOffset: size + index * 8, as: type(of: trap))
            }
            memory.storeBytes(of: UInt32(size + Self.traps * 8), as: UInt32.self)
            return memory.assumingMemoryBound(to: Table.self)
        }
    }

    /// Lends a table for one call; a plain one takes no memory that stays.
    func lend<Table, R>(_ table: Table, _ body: (UnsafeMutablePointer<Table>) -> R) -> R {
        guard self == .plain else { return body(place(table)) }
        var table = table
        return withUnsafeMutablePointer(to: &table) { body($0) }
    }

    private static func beforeGuard<Table>(
        _ table: Table, bytes: Int
    ) -> UnsafeMutablePointer<Table> {
        let page = sysconf(Int32(_SC_PAGESIZE))
        guard
            let start = mmap(
                nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { return TablePlacement.plain.place(table) }
        mprotect(start + page, page, PROT_NONE)
        let memory = start + (page - bytes)
        withUnsafeBytes(of: table) {
            if let from = $0.baseAddress { memory.copyMemory(from: from, byteCount: bytes) }
        }
        var size = UInt32(bytes)
        memcpy(memory, &size, MemoryLayout<UInt32>.size)
        return memory.assumingMemoryBound(to: Table.self)
    }
}

/// Where each of the host's tables is put.
struct TablePlacements {
    var host = TablePlacement.plain
    var sink = TablePlacement.plain
    var result = TablePlacement.plain
    var error = TablePlacement.plain

    /// All of them alike.
    static func all(_ placement: TablePlacement) -> TablePlacements {
        TablePlacements(host: placement, sink: placement, result: placement, error: placement)
    }

    static let plain = TablePlacements()
}
