import CPluginABI

/// What `fan_instance *` points to: an instance that answers for its own tables.
class AnyInstance {
    let host: HostHandle

    init(host: HostHandle) {
        self.host = host
    }

    /// The table of an interface; `nil` for every id that this kind of component does not have.
    func table(_ id: String) -> UnsafeRawPointer? { nil }
}

/// Memory for a table: written once, never changed, never given back.
func constant<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    memory.initialize(to: table)
    return UnsafePointer(memory)
}
