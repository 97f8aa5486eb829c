/// Names what a subtask runs among all specifications of an engine.
package struct SpecID: Hashable, Sendable {
    /// The place of the task.
    package var task: UInt32
    /// The number of the specification within the task.
    package var number: UInt32

    /// The specification of this number.
    package init(task: UInt32, number: UInt32) {
        self.task = task
        self.number = number
    }
}

/// One attempt of a subtask, as an executor gets it.
package struct WorkItem: Sendable {
    /// What to run.
    package var run: RunSpec
    /// Names `run`, `names` and `taskName` together, for those who send them once; `nil` if nobody does.
    package var spec: SpecID?
    /// The inputs, by reference.
    package var parts: [InputPart]
    /// Names of the parts, one each, where the task names its inputs.
    package var names: [String]?
    /// The task, for the environment of the child and for messages.
    package var taskName: String
    /// The number of the subtask within its task, from 0.
    package var subtask: UInt64
    /// The number of this try, from 1.
    package var attempt: Int
    /// The folder of the pipeline document, absolute.
    package var pipelineDirectory: String
    /// Executors of the pipeline's own plugins; `nil` takes those of the worker.
    package var executors: ExecutorPlugins?
    /// After how many nanoseconds the attempt is ended; `nil`: never.
    package var timeoutNanoseconds: UInt64?
    /// How many bytes of private memory a process of the attempt may have; `nil`: no limit.
    package var memoryLimitBytes: Int64?
    /// The places of the machine's GPUs that are reserved for it.
    package var devices: [Int] = []
    /// Its place among those that run at the same time; `nil` if it runs by itself.
    package var gang: WorkGang?

    /// One attempt.
    package init(
        run: RunSpec, parts: [InputPart], names: [String]? = nil, taskName: String,
        subtask: UInt64, attempt: Int, pipelineDirectory: String,
        timeoutNanoseconds: UInt64? = nil, memoryLimitBytes: Int64? = nil
    ) {
        precondition(names.map { $0.count == parts.count } ?? true, "every part has one name")
        self.run = run
        self.parts = parts
        self.names = names
        self.taskName = taskName
        self.subtask = subtask
        self.attempt = attempt
        self.pipelineDirectory = pipelineDirectory
        self.timeoutNanoseconds = timeoutNanoseconds
        self.memoryLimitBytes = memoryLimitBytes
    }
}

/// Why an attempt gave no result.
package struct WorkFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened, for a program to decide on.
    package enum Kind: Hashable, Sendable {
        /// The program ended with this code, which is not one of those that count as success.
        case exitCode(Int32)
        /// The program was ended by this signal, not by us.
        case signal(Int32)
        case timeout
        case cancelled
        /// What it wrote is not of the declared format, or too much.
        case outputInvalid
        /// The items cannot be given to it in the declared form.
        case inputInvalid
        /// The program, library or symbol does not exist, or is not executable.
        case notFound
        /// The program exists and cannot be started, or the system is out of something.
        case launch
        case outOfMemory
        /// A native function ended the child process that ran it.
        case crash
    }

    /// What happened.
    package var kind: Kind
    /// One sentence: what was wanted, what was found, what to do.
    package var message: String
    /// The end of what the child wrote to its standard error, at most
    /// `ExecutorLimits.errorTailBytes`; repaired to UTF-8.
    package var stderrTail: String

    /// A failure.
    package init(_ kind: Kind, _ message: String, stderrTail: String = "") {
        self.kind = kind
        self.message = message
        self.stderrTail = stderrTail
    }

    /// Whether another attempt with the same input must fail in the same way, so that none is made.
    package var isPermanent: Bool {
        switch kind {
        case .notFound, .inputInvalid: true
        default: false
        }
    }

    package var description: String { message }
}

/// What came of an attempt, with what it cost.
package struct WorkResult: Sendable {
    /// A result or the reason why there is none.
    package enum Outcome: Sendable {
        case success(Payload, DataFormat, items: Int)
        case failure(WorkFailure)
    }

    /// A result or the reason why there is none.
    package var outcome: Outcome
    /// Wall time in nanoseconds.
    package var ranNanoseconds: UInt64 = 0
    /// CPU time of the child and of the descendants it waited for, user and system, in nanoseconds.
    package var cpuNanoseconds: UInt64 = 0
    /// Largest resident size of one process of the attempt, or of all together when they were looked
    /// at, in bytes; 0 if it is not known.
    package var peakMemoryBytes: Int64 = 0
    /// The most of one GPU's memory that the child and all below it had when they were looked at,
    /// in bytes; 0 if it is not known.
    package var peakDeviceMemoryBytes: Int64 = 0
    /// Bytes that were given to the child.
    package var bytesIn: Int64 = 0
    /// Bytes of the result.
    package var bytesOut: Int64 = 0

    /// A result that cost nothing yet.
    package init(_ outcome: Outcome) {
        self.outcome = outcome
    }
}

/// The named limits of executors.
package enum ExecutorLimits {
    /// Bytes of standard error that are kept: the last ones.
    package static let errorTailBytes = 4 << 10
    /// Bytes of standard output, unless the host is told otherwise.
    package static let outputBytes = 1 << 30
    /// Bytes of output that are held in memory; more goes to an unnamed file that is then mapped.
    package static let heldOutputBytes = 8 << 20
    /// Bytes of all arguments and the environment together: half of what Linux takes with its usual
    /// stack limit of 8 MiB.
    package static let argumentBytes = 1 << 20
    /// Bytes of one argument: what Linux takes.
    package static let oneArgumentBytes = (128 << 10) - 1
    /// Time between SIGTERM and SIGKILL, in nanoseconds.
    package static let graceNanoseconds: UInt64 = 2_000_000_000
    /// Time that a killed process has to disappear, in nanoseconds.
    package static let reapNanoseconds: UInt64 = 30_000_000_000
    /// Longest sleep of a no-op, in nanoseconds: one hour.
    package static let sleepNanoseconds: UInt64 = 3_600_000_000_000
}
