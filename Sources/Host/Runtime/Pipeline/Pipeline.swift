import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

/// A pipeline document that was read and found right: references are indices, units are numbers,
/// globs are files, and the tasks have no cycle.
///
/// What only a plugin can judge (`with:`) is still as written; `diagnostic(task:configuration:…)`
/// maps what the plugin says back to the line of the document.
package struct Pipeline: Sendable {
    /// `name:`, or the name of the file without its extension.
    package var name: String
    /// The path of the document as the user wrote it.
    package var path: String
    /// The absolute path of the folder that paths in the document are relative to.
    package var directory: String
    /// `seed:`; 0 if it is not given.
    package var seed: UInt64
    /// `deadline:`, counted from the start of the run; the run is cancelled when it is over.
    package var deadlineNanoseconds: Int64?
    /// `queue:`; `nil` for the default one.
    package var queue: String?
    /// `priority:`; 0 if it is not given.
    package var priority: Int
    /// `plugins:`, in the order of the document.
    package var plugins: [PluginDeclaration]
    /// `inputs:`, in the order of the document.
    package var inputs: [InputDeclaration]
    /// `tasks:`, in the order of the document.
    package var tasks: [TaskDeclaration]
    /// `outputs:`, in the order of the document.
    package var outputs: [OutputDeclaration]
    /// What goes with the document when it is submitted, beside the files of its inputs.
    package var files: [TravellingFile]
    /// What the document names and cannot go with it: it lies outside the document's folder.
    var strays: [Diagnostic]
    /// Indices of `tasks` such that each comes after everything it waits for; among those that
    /// may come next, the first of the document.
    package var taskOrder: [Int]
    /// What is not wrong but has no effect, for example an input that nothing uses.
    package var warnings: [Diagnostic]
    /// The text and the places, for diagnostics that come later.
    let source: PipelineSource
}

/// A plugin that the document names: `plugins: NAME: {path, sha256, isolate, trusted, grant}`.
package struct PluginDeclaration: Hashable, Sendable {
    /// The name in the document.
    package var name: String
    /// The absolute path of the shared library; `nil` takes `libfanfold-NAME.so` of the search path.
    package var path: String?
    /// The sum the file must have, 64 lowercase hexadecimal digits; `nil` accepts any.
    package var sha256: String?
    /// Where its components run; `nil` leaves it to ``IsolationPolicy``.
    package var isolate: Isolation?
    /// Whether the user trusts it as he does who signs with an allowed key.
    package var isTrusted = false
    /// What it may do through the host.
    package var grant = PluginGrant.nothing
}

/// An input: `inputs: NAME: {…}`.
package struct InputDeclaration: Sendable {
    /// Where its items come from.
    package enum Source: Hashable, Sendable {
        /// Absolute paths, sorted by their bytes within each glob.  With the format `files` each
        /// is an item; with every other format their contents are put one after the other.
        case files([String])
        /// A value that stands in the document; its format is `json`.
        case value(JSON)
        /// The whole numbers `from ..< to`; the format is `range`.
        case range(from: Int64, to: Int64)
    }

    /// The name in the document.
    package var name: String
    /// How it is cut in items.
    package var format: DataFormat
    /// Where its items come from.
    package var source: Source
}

/// What a reference `${…}` leads to.
package enum DataSource: Hashable, Sendable {
    /// The input with this index in `Pipeline.inputs`.
    case input(Int)
    /// The output of the task with this index in `Pipeline.tasks`.
    case task(Int)
}

/// One input of a task.
package struct TaskInput: Hashable, Sendable {
    /// The name the task gives it; `nil` if `input:` is a reference or a list.
    package var name: String?
    /// What it is.
    package var source: DataSource
}

/// When a task whose subtasks failed counts as failed.
package enum FailurePolicyDeclaration: Hashable, Sendable {
    /// `fail-fast`: the first subtask that fails for good ends the task and cancels the others.
    case failFast
    /// `best-effort`: the task succeeds with what there is, as long as one subtask succeeded.
    case bestEffort
    /// `{min-success: 0.95}`: at least this share of the subtasks must succeed, above 0, up to 1.
    case minimumSuccess(Double)
}

/// What a subtask needs of a worker.
package struct NeedsDeclaration: Hashable, Sendable {
    /// Thousandths of a core.
    package var cpuMillis: Int64
    /// Bytes of memory.
    package var memoryBytes: Int64
    /// Thousandths of a GPU.
    package var gpuMillis: Int64
    /// Bytes of memory of each GPU.
    package var gpuMemoryBytes: Int64
    /// How near to one another several GPUs must be.
    package var gpuTopology = DeviceTopology.any
    /// What the worker must be labelled with, sorted by name.
    package var labels: [Label]
    /// Set if what is not stated is predicted.
    package var auto: AutoNeeds?
    /// What may be given instead, the one that is wanted most first: the rest of `any_of`.
    package var alternatives: [NeedsDeclaration] = []
    /// How many subtasks run at the same time or not at all, in the order in which they are put.
    package var gang = 1

    /// A label and the value it must have.
    package struct Label: Hashable, Sendable {
        /// The name.
        package var name: String
        /// The value.
        package var value: String

        /// A label.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// One core and 256 MiB: what is reserved for a subtask that says nothing.
    package static let standard = NeedsDeclaration()

    /// The needs given, the rest as in ``standard``.
    package init(
        cpuMillis: Int64 = 1_000, memoryBytes: Int64 = 256 << 20, gpuMillis: Int64 = 0,
        gpuMemoryBytes: Int64 = 0, labels: [Label] = []
    ) {
        self.cpuMillis = cpuMillis
        self.memoryBytes = memoryBytes
        self.gpuMillis = gpuMillis
        self.gpuMemoryBytes = gpuMemoryBytes
        self.labels = labels
    }
}

/// A task: `tasks: NAME: {…}`, with `defaults:` filled in.
package struct TaskDeclaration: Sendable {
    /// The name in the document.
    package var name: String
    /// Its inputs, in order; names for all of them or for none.
    package var inputs: [TaskInput]
    /// Tasks that must have ended well before, besides those it takes its inputs from.
    package var after: [Int]
    /// The strategy as written, for example `data-parallel`.
    package var strategyUse: String
    /// What stands under `with:`, an object; unchecked and without the defaults of the plugin.
    package var strategyConfiguration: JSON
    /// What stands under `run:`, checked against the schema of `run:`.
    package var run: JSON?
    /// What each subtask needs.
    package var needs: NeedsDeclaration
    /// How often a subtask is tried in all, 1 or more.
    package var retryAttempts: Int
    /// How long to wait before the second attempt; doubled for each one after it.
    package var backoffNanoseconds: Int64
    /// How long one attempt may run.
    package var timeoutNanoseconds: Int64?
    /// When the task counts as failed.
    package var failurePolicy: FailurePolicyDeclaration

    /// The tasks it waits for, ascending, each once: `after` and those its inputs come from.
    package var dependencies: [Int] {
        var found = Set(after)
        for case .task(let index) in inputs.map(\.source) { found.insert(index) }
        return found.sorted()
    }
}

/// An output: `outputs: NAME: {…}`.
package struct OutputDeclaration: Hashable, Sendable {
    /// The name in the document.
    package var name: String
    /// What it is made from.
    package var source: DataSource
    /// The absolute path it is written to; `nil` writes it to standard output.
    package var path: String?
    /// `format:`; `nil` keeps the format of what it is made from.
    package var format: DataFormat?
}
