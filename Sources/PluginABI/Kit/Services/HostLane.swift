import CPluginABI

/// `fanfold.lane/1`: work without threads of the plugin's own.
///
/// The host stops and joins all of it before the instance ends.
///
/// The pointers in it are only read, and the host allows these calls from any thread: hence
/// `@unchecked Sendable`.
public struct HostLane: @unchecked Sendable {
    let host: UnsafePointer<fan_host>
    let table: UnsafePointer<fan_lane>

    /// Runs `work` on the lane of the instance, after what runs there now.
    public func post(_ work: @escaping @Sendable () -> Void) {
        table.pointee.post(host, { Callbacks.call($0) }, Callbacks.keep { _ in work() })
    }

    /// Runs `work` on the lane of the instance after a while, by the host's clock.
    public func after(_ delay: Duration, _ work: @escaping @Sendable () -> Void) {
        let (seconds, attoseconds) = delay.components
        let whole = UInt64(max(0, min(seconds, 1_000_000_000))) * 1_000_000_000
        let nanoseconds = whole + UInt64(max(0, attoseconds / 1_000_000_000))
        table.pointee.after(
            host, nanoseconds, { Callbacks.call($0) }, Callbacks.keep { _ in work() })
    }

    /// Runs `work` beside the lane, where it may block.
    ///
    /// Come back to the lane by `post`.
    public func spawn(_ work: @escaping @Sendable () -> Void) {
        table.pointee.spawn(host, { Callbacks.call($0) }, Callbacks.keep { _ in work() })
    }
}
