import CPluginABI

/// One asynchronous call of an executor or a provider.
package struct PluginCall: Sendable {
    /// The functions of `fanfold.executor/1` and `fanfold.provider/1`.
    package enum Method: UInt8, Sendable, CustomStringConvertible {
        case load = 1
        case run
        case check
        case offerings
        case launch
        case describe
        case terminate

        /// As the contract names it.
        package var description: String {
            switch self {
            case .load: "load"
            case .run: "run"
            case .check: "check"
            case .offerings: "offerings"
            case .launch: "launch"
            case .describe: "describe"
            case .terminate: "terminate"
            }
        }

        /// Whether a provider has it.
        var isProviders: Bool { self != .load && self != .run }
    }

    /// Bytes that the callee may read until the call has ended.
    package struct Part: @unchecked Sendable {
        // Unchecked: whoever makes it promises that the bytes do not change while the owner lives.

        /// What the callee is given; the numbers are those on the wire to a helper.
        package enum Form: UInt8, Sendable {
            /// The bytes as they are.
            case bytes = 1
            /// A tensor, of which the bytes are the flat form.
            case tensor
            /// A table, of which the bytes are the flat form.
            case table
        }

        /// Keeps the bytes.
        package var owner: AnyObject
        /// The bytes.
        package var bytes: UnsafeRawBufferPointer
        /// What the caller says of them; it comes back with a part of them.
        package var handle: Int64
        /// What the bytes become for the callee.
        package var form: Form

        /// Bytes of somebody.
        package init(
            owner: AnyObject, bytes: UnsafeRawBufferPointer, handle: Int64 = 0, form: Form = .bytes
        ) {
            self.owner = owner
            self.bytes = bytes
            self.handle = handle
            self.form = form
        }
    }

    /// The function.
    package var method: Method
    /// Of `load` and `run`: the caller's number of what was loaded.
    package var module: UInt64
    /// Of `run`: the number of the subtask.
    package var subtask: UInt64
    /// The specification, query or request, as JSON.
    package var document: [UInt8]
    /// The payload of `load` and `run`.
    package var parts: [Part]
    /// How long it may take, in nanoseconds; `nil` for no limit.
    package var nanoseconds: UInt64?

    /// One call.
    package init(
        _ method: Method, module: UInt64 = 0, subtask: UInt64 = 0, document: [UInt8] = [],
        parts: [Part] = [], nanoseconds: UInt64? = nil
    ) {
        self.method = method
        self.module = module
        self.subtask = subtask
        self.document = document
        self.parts = parts
        self.nanoseconds = nanoseconds
    }
}

/// What a call gave, at its end or before it.
package struct PluginAnswer: @unchecked Sendable {
    // Unchecked: blobs are handed from one thread to the next, never shared.
    /// JSON text, or nothing.
    package var document: [UInt8]
    /// The parts, which are ours now.
    package var parts: [ReceivedBlob]

    /// What was given.
    package init(document: [UInt8] = [], parts: [ReceivedBlob] = []) {
        self.document = document
        self.parts = parts
    }
}

/// Who is told of a call: from any thread, one thing after another.
package struct PluginCallHandler: Sendable {
    /// Something before the end.
    package var progress: @Sendable (PluginAnswer) -> Void
    /// The end, exactly once.
    package var done: @Sendable (Result<PluginAnswer, PluginFailure>) -> Void

    /// Somebody who wants the end, and perhaps what comes before.
    package init(
        progress: @escaping @Sendable (PluginAnswer) -> Void = { _ in },
        done: @escaping @Sendable (Result<PluginAnswer, PluginFailure>) -> Void
    ) {
        self.progress = progress
        self.done = done
    }
}

/// An instance of an executor or a provider, wherever it lives.
package protocol PluginCalls: AnyObject, Sendable {
    /// Begins a call; does not wait.
    ///
    /// - Returns: what ``cancel(_:)`` calls it.
    func start(_ call: PluginCall, _ handler: PluginCallHandler) -> UInt64
    /// Says that an answer is not wanted any more; the call still ends.
    func cancel(_ id: UInt64)
    /// Gives up what `load` loaded.
    func unload(module: UInt64)
    /// Ends every call and the instance.
    func close()
}

extension PluginCalls {
    /// Makes a call and waits for its end: only on a thread that may wait.
    ///
    /// Parameter progress: Told of what comes before the end, on any thread.
    package func wait(
        for call: PluginCall,
        progress: @escaping @Sendable (PluginAnswer) -> Void = { _ in }
    ) throws(PluginFailure) -> PluginAnswer {
        let box = Monitor<Result<PluginAnswer, PluginFailure>?>(nil)
        _ = start(
            call,
            PluginCallHandler(progress: progress) { result in
                box.withLock { $0 = result }
                box.wake()
            })
        guard let result = box.wait({ $0 }) else {
            preconditionFailure("a call ends, and nothing else ends the wait")
        }
        return try result.get()
    }
}
