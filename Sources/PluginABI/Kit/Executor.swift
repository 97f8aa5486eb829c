import FanfoldJSON

/// Runs subtasks on a worker.
///
/// The order of calls: `init`, then for each module `load` once, `run` any number of times and
/// `unload` once.  Calls never overlap and may come from any thread, unless the type is a
/// ``ConcurrentExecutor``.  A call may take until its deadline.
public protocol Executor: SendableMetatype {
    /// What the YAML says under `with:` of the plugin, with defaults filled in.
    associatedtype Configuration: Decodable
    /// What `load` makes: a compiled kernel, an open model, a table.
    associatedtype Module

    /// Who the executor is, and the JSON Schema of its configuration.
    static var component: ComponentDescription { get }

    /// Makes an instance.
    ///
    /// Keep `host` if the executor wants its log or a service.
    init(configuration: Configuration, host: HostHandle) throws(PluginError)

    /// Gets ready to run subtasks: map, compile, warm up, once for many of them.
    func load(_ request: LoadRequest, _ call: ExecutorCall) throws(PluginError) -> Module

    /// Runs one subtask.
    ///
    /// Ask `call` now and then whether the answer is still wanted.
    func run(
        _ subtask: RunRequest, in module: Module, _ call: ExecutorCall
    ) throws(PluginError) -> RunOutput

    /// Lets go of a module that no subtask will use again.
    func unload(_ module: Module)
}

extension Executor {
    /// Lets go of the reference, and does nothing else.
    public func unload(_ module: Module) {}
}

/// An executor whose calls may overlap: it locks what it changes.
///
/// The host then runs as many subtasks at a time as the worker has room for, in one instance.
public protocol ConcurrentExecutor: Executor, Sendable where Module: Sendable {}

/// What a module is to be made of.
public struct LoadRequest {
    /// The host's number of the module.
    public var module: UInt64
    /// What the pipeline says about it; an empty object if nothing.
    public var spec: JSON
    /// Files and tables that come with it.
    ///
    /// Keep a blob to keep its bytes.
    public var parts: [Blob]

    /// A request, for the tests of an executor.
    public init(module: UInt64 = 1, spec: JSON = [:], parts: [Blob] = []) {
        self.module = module
        self.spec = spec
        self.parts = parts
    }

    /// What the pipeline says, as a value of a Swift type.
    ///
    /// Throws: `invalid` with the reason `spec.` and the JSON Pointer of what is wrong.
    public func decode<T: Decodable>(_ type: T.Type) throws(PluginError) -> T {
        try spec.value(type, in: "spec")
    }
}

/// One subtask as an executor is given it.
public struct RunRequest {
    /// The strategy's number of the subtask.
    public var subtask: UInt64
    /// What the subtask says beside its parts; an empty object if nothing.
    public var spec: JSON
    /// What it works on.
    ///
    /// Good until `run` returns.
    public var parts: [Blob]

    /// A subtask, for the tests of an executor.
    public init(subtask: UInt64 = 0, spec: JSON = [:], parts: [Blob]) {
        self.subtask = subtask
        self.spec = spec
        self.parts = parts
    }

    /// What the subtask says, as a value of a Swift type.
    ///
    /// Throws: `invalid` with the reason `spec.` and the JSON Pointer of what is wrong.
    public func decode<T: Decodable>(_ type: T.Type) throws(PluginError) -> T {
        try spec.value(type, in: "spec")
    }
}

/// What a subtask gave.
public struct RunOutput {
    /// The bytes, in order: `.bytes`, `.blob` or `.slice`.
    public var parts: [Part]
    /// What is said about them; an empty object if nothing.
    public var json: JSON

    /// An output.
    public init(_ parts: [Part], json: JSON = [:]) {
        self.parts = parts
        self.json = json
    }

    /// One part of JSON text.
    public init(_ value: JSON) {
        self.init([.bytes(value.bytes)])
    }
}

extension JSON {
    /// The value as a Swift type.
    func value<T: Decodable>(_ type: T.Type, in document: String) throws(PluginError) -> T {
        do {
            return try decode(type)
        } catch {
            throw PluginError.decoding(error, in: document)
        }
    }
}
