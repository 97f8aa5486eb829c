@preconcurrency import Glibc

/// A plain thread that gives back a value.
final class CheckThread<Value>: CheckThreadBody, @unchecked Sendable {
    // Unchecked: `value` is written before the thread ends and read after it is joined.
    private let body: () -> Value
    private var value: Value?

    init(_ body: @escaping () -> Value) {
        self.body = body
        super.init()
        start()
    }

    override func execute() {
        value = body()
    }

    /// Waits for the end.
    func join() -> Value {
        wait()
        guard let value else { preconditionFailure("a joined thread has given its value") }
        return value
    }
}

/// The part of a thread that a C function can name.
class CheckThreadBody {
    private var thread = pthread_t()

    func execute() {}

    fileprivate func start() {
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<CheckThreadBody>.fromOpaque(argument).takeRetainedValue().execute()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "a check must be able to start a thread")
    }

    fileprivate func wait() {
        pthread_join(thread, nil)
    }
}
