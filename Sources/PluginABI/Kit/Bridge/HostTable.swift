import CPluginABI

/// What is checked of a table of the host before anything of it is used.
enum HostTable {
    /// Refuses a table that states a smaller size than the contract's.
    ///
    /// A released struct never changes, so only a host with a mistake has one; a larger size is
    /// that of a newer host, and as good.
    static func require(
        _ table: UnsafeRawPointer, _ size: Int, _ name: String
    ) throws(PluginError) {
        let found = Int(table.loadUnaligned(as: UInt32.self))
        guard found >= size else {
            throw PluginError(
                .precondition, reason: "host.\(name)",
                "wanted a \(name) of \(size) bytes, found one of \(found); use a newer host")
        }
    }
}
