import FanfoldRuntime
@preconcurrency import Glibc

/// What this machine has, and how it is shared out to local workers.
enum LocalMachine {
    /// Local workers, at most.
    static let maximumWorkers = 256
    /// Cores that may be offered, at most; more than the machine has is allowed.
    static let maximumCores = 4096

    private static let facts = MachineFacts()

    /// Cores that this process may use: what its affinity mask and its control group allow, not the
    /// machine's number.
    static var cores: Int { max(1, Int((facts.usableMilliCores + 999) / 1000)) }

    /// Bytes of memory that this process may use.
    static var memoryBytes: Int64 { facts.usableMemoryBytes }

    /// Lets this process open as many files and connections as the system allows it at most; the
    /// usual 1,024 are a connection for each of a thousand workers and hardly more.
    static func useAllDescriptors() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

    /// Local workers that share `cores` and the share of the memory that work may use.
    ///
    /// Each has at least one core, so that `count` workers on fewer cores share them.
    static func workers(count: Int, cores: Int, memoryShare: Double) -> [LocalWorkerPlan] {
        let memory = Int64(Double(memoryBytes) * memoryShare) / Int64(count)
        let milliCores = max(1000, Int64(cores) * 1000 / Int64(count))
        return (0..<count).map { index in
            LocalWorkerPlan(name: "local-\(index)", milliCores: milliCores, memoryBytes: memory)
        }
    }
}
