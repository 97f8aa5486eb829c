import CFanfoldSystem
@preconcurrency import Glibc

/// What of the process a plugin must leave as it is.
struct ProcessManners {
    private var values: [(name: String, value: String)] = []

    init() {
        add("working directory", Self.folder())
        let mask = umask(0o77)
        umask(mask)
        add("umask", mask)
        add("locale", setlocale(LC_ALL, nil).map { String(cString: $0) } ?? "")
        add("locale of the thread", Int(bitPattern: uselocale(nil)))
        add("environment", Self.environment())
        add("time zone", "\(tzname.0.map { String(cString: $0) } ?? "") \(timezone)")
        add("signal handlers", Self.handlers())
        add("blocked signals", Self.blockedSignals())
        add("limits", Self.limits())
        add("priority", getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))
        add("standard input, output or error", Self.streams())
        let settings: [(String, fan_process_setting)] = [
            ("floating-point modes", FAN_PROCESS_FLOATING_POINT),
            ("dumpable attribute", FAN_PROCESS_DUMPABLE),
            ("subreaper attribute", FAN_PROCESS_SUBREAPER),
            ("death signal", FAN_PROCESS_DEATH_SIGNAL),
            ("privileges", FAN_PROCESS_NO_NEW_PRIVILEGES),
            ("timer slack", FAN_PROCESS_TIMER_SLACK),
        ]
        for (name, setting) in settings {
            add(name, fan_process_setting(Int32(setting.rawValue)))
        }
    }

    private mutating func add(_ name: String, _ value: some CustomStringConvertible) {
        values.append((name, value.description))
    }

    private func differences(from before: ProcessManners) -> [String] {
        zip(values, before.values).filter { $0.value != $1.value }.map { $0.0.name }
    }

    private static func folder() -> String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    private static func environment() -> String {
        var variables: [String] = []
        while let variable = environ[variables.count] {
            variables.append(String(cString: variable))
        }
        return variables.joined(separator: "\n")
    }

    private static func handlers() -> String {
        // The function, which has the name of the structure.
        let read: (Int32, UnsafePointer<sigaction>?, UnsafeMutablePointer<sigaction>?) -> Int32 =
            sigaction
        return (Int32(1)...64).map { signal in
            var action = sigaction()
            _ = read(signal, nil, &action)
            return String(
                unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self), radix: 16)
        }.joined(separator: " ")
    }

    private static func blockedSignals() -> String {
        var set = sigset_t()
        pthread_sigmask(SIG_SETMASK, nil, &set)
        return (Int32(1)...64).map { sigismember(&set, $0) == 1 ? "1" : "0" }.joined()
    }

    private static func limits() -> String {
        (UInt32(0)..<16).map { resource in
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(resource), &limit)
            return "\(limit.rlim_cur)/\(limit.rlim_max)"
        }.joined(separator: " ")
    }

    /// Which files they are, and how much has been written to them.
    private static func streams() -> String {
        (Int32(0)...2).map { descriptor in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return "closed" }
            return "\(status.st_dev):\(status.st_ino):\(status.st_size):"
                + "\(fcntl(descriptor, F_GETFL)):\(lseek(descriptor, 0, SEEK_CUR))"
        }.joined(separator: " ")
    }

    /// Makes instances, runs tasks, and looks what of the process has changed.
    static func check(_ context: CheckContext) throws -> CheckOutcome {
        for descriptor in Int32(1)...2 { fan_capture_descriptor(descriptor) }
        let components = try context.components()
        _ = ProcessManners()
        let before = ProcessManners()
        for component in components {
            guard let configuration = try? component.configurations().first else { continue }
            if component.descriptor.kind == .strategy {
                let driver = try StrategyDriver(context, component, configuration, items: 20)
                _ = try? driver.run()
            } else {
                try context.instance(component, configuration).interface()
            }
        }
        fflush(nil)
        let changed = ProcessManners().differences(from: before)
        guard changed.isEmpty else {
            return .failed("it changed of the process: \(changed.joined(separator: ", "))")
        }
        return .passed()
    }
}
