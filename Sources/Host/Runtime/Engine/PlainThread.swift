import CFanfoldSystem
@preconcurrency import Glibc

/// A plain thread with a name.
///
/// Blocking calls belong on one of these, never on Swift's cooperative pool, which has a thread
/// a core and starves when they block.
package final class PlainThread: Sendable {
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// Parameter name: At most 15 bytes are kept; shown by `ps -L` and debuggers.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        var handle = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let code = pthread_create(
            &handle, &attributes,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                fanfold_set_thread_name(body.name)
                body.run()
                return nil
            }, box.toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(code == 0, "the system refused a thread: \(String(cString: strerror(code)))")
        self.handle = handle
    }

    /// Waits until the thread has ended.
    ///
    /// Call it once.
    package func join() {
        pthread_join(handle, nil)
    }

    /// The stack of a thread, in bytes: Swift's debug builds need more than musl's 128 KiB.
    private static let stackBytes = 2 << 20

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}
