import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// A host that offers every service, writes no log, and whose clock stands still until told.
final class MockHost: @unchecked Sendable {
    // Unchecked: what changes is behind the lock, or is set before the plugin sees the table.
    let table: UnsafeMutablePointer<fan_host>
    /// The services that it says it does not have.
    var withheld: Set<String> = []
    /// Is called whenever the plugin calls the host.
    var onCall: () -> Void = {}
    /// How far its clock goes on at each reading, in nanoseconds.
    var leap: UInt64 = 0
    private var time: UInt64 = 1_000_000_000
    private var askedFor: Set<String> = []
    private var answers: [String] = []
    private var jobs: [() -> Void] = []
    private var values: [String: [UInt8]] = [:]
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init(_ placement: TablePlacement = .plain) {
        pthread_mutex_init(mutex, nil)
        var table = fan_host(
            struct_size: UInt32(MemoryLayout<fan_host>.size),
            abi_minor: UInt32(FAN_ABI_MINOR) + (placement == .longer ? 1 : 0),
            host_data: nil, name: Self.name, version: Self.version,
            service: { host, id in MockHost.of(host).service(String(cString: id)) },
            log: { host, _, _, _ in MockHost.of(host).onCall() },
            now: { host in MockHost.of(host).now() },
            emit: { host, _, _, _, _ in MockHost.of(host).answered("emit") },
            complete: { host, _, _, _, _, _ in _ = MockHost.of(host).answered("complete") },
            cancelled: { host, _ in
                MockHost.of(host).onCall()
                return 0
            })
        let placed = placement.place(table)
        self.table = placed
        table.host_data = Unmanaged.passUnretained(self).toOpaque()
        let offset = MemoryLayout<fan_host>.offset(of: \.host_data) ?? 0
        if placement != .truncated(4), placement != .truncated(8) {
            var data = table.host_data
            memcpy(UnsafeMutableRawPointer(placed) + offset, &data, MemoryLayout<UInt>.size)
        }
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// The host that a plugin calls.
    static func of(_ table: UnsafePointer<fan_host>) -> MockHost {
        guard let data = table.pointee.host_data else {
            preconditionFailure("a mock host carries its object")
        }
        return Unmanaged<MockHost>.fromOpaque(data).takeUnretainedValue()
    }

    private static nonisolated(unsafe) let name = constant("fanfold plugin check")
    private static nonisolated(unsafe) let version = constant("1.0.0")

    /// A text that stays until the process ends.
    static func constant(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8CString
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { memory[index] = byte }
        return UnsafePointer(memory)
    }

    // MARK: What it is asked

    /// The services that the plugin asked for, in the order of their names.
    var asked: [String] { locked { askedFor.sorted() } }

    /// What the plugin said about calls that nobody made: a strategy has none to complete.
    var strayAnswers: [String] { locked { answers } }

    private func service(_ id: String) -> UnsafeRawPointer? {
        onCall()
        return locked {
            askedFor.insert(id)
            return withheld.contains(id) ? nil : MockServices.table(id)
        }
    }

    private func now() -> UInt64 {
        onCall()
        return locked {
            time &+= leap
            return time
        }
    }

    private func answered(_ call: String) -> fan_code {
        onCall()
        locked { answers.append(call) }
        return fan_code(FAN_OK)
    }

    // MARK: What the services keep

    /// Something to do on the plugin's lane, later.
    func post(_ job: @escaping () -> Void) {
        locked { jobs.append(job) }
    }

    /// Does what was posted, and what that posts, up to a limit.
    func runJobs(limit: Int = 1_000) {
        for _ in 0..<limit {
            guard let job = locked({ jobs.isEmpty ? nil : jobs.removeFirst() }) else { return }
            job()
        }
    }

    /// The value of the store's key.
    func value(_ key: String) -> [UInt8] { locked { values[key] ?? [] } }

    /// Keeps a value; an empty one is none.
    func keep(_ value: [UInt8], _ key: String) {
        locked { values[key] = value.isEmpty ? nil : value }
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
