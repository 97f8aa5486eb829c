import CFanfoldSystem
@preconcurrency import Glibc

/// What this machine is, and what of it this process may use.
package struct MachineFacts: Hashable, Sendable {
    /// The model of the processor; empty if nobody says.
    package var processor: String
    /// Threads that the affinity mask allows.
    package var logicalCores: Int
    /// Cores, whatever their threads; 0 if nobody says.
    package var physicalCores: Int
    /// Memory nodes; at least 1.
    package var nodes: Int
    /// Bytes of memory that the machine has.
    package var memoryBytes: Int64
    /// What the control groups allow.
    package var group: ControlGroup
    /// The system's name and release.
    package var operatingSystem: String
    /// `x86_64`, `aarch64`.
    package var architecture: String
    /// What the machine is called.
    package var host: String

    /// Reads it all.
    package init(_ files: SystemFiles = SystemFiles()) {
        let cpuinfo = files.text("\(files.proc)/cpuinfo") ?? ""
        processor = Self.processor(cpuinfo)
        physicalCores = Self.physicalCores(cpuinfo)
        logicalCores = Int(fanfold_usable_cores())
        let names = files.names("\(files.sys)/devices/system/node")
        nodes = max(1, names.count { $0.hasPrefix("node") && Int($0.dropFirst(4)) != nil })
        memoryBytes = Self.memory(files.text("\(files.proc)/meminfo") ?? "")
        group = ControlGroup(files)
        var system = utsname()
        uname(&system)
        host = Self.text(system.nodename)
        operatingSystem = "\(Self.text(system.sysname)) \(Self.text(system.release))"
        architecture = Self.text(system.machine)
    }

    /// Thousandths of a core that may be used.
    package var usableMilliCores: Int64 {
        min(Int64(logicalCores) * 1000, group.milliCores ?? .max)
    }

    /// Bytes of memory that may be used.
    package var usableMemoryBytes: Int64 { min(memoryBytes, group.memoryBytes ?? .max) }

    /// Bytes that are free where `folder` lies, or will lie; `nil` if nobody says.
    package static func freeDisk(_ folder: String) -> Int64? {
        var path = folder
        var status = statvfs()
        while statvfs(path, &status) != 0 {
            guard let slash = path.lastIndex(of: "/"), path != "/" else { return nil }
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        let (bytes, overflow) = Int64(clamping: status.f_bavail)
            .multipliedReportingOverflow(by: Int64(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }

    private static func processor(_ cpuinfo: String) -> String {
        // x86 and most others; some Arm machines have no name but this.
        for wanted in ["model name", "Model", "Hardware", "cpu model"] {
            if let value = values(of: wanted, in: cpuinfo).first, !value.isEmpty { return value }
        }
        return ""
    }

    /// Pairs of package and core, each once.
    private static func physicalCores(_ cpuinfo: String) -> Int {
        let packages = values(of: "physical id", in: cpuinfo)
        let cores = values(of: "core id", in: cpuinfo)
        guard packages.count == cores.count else { return 0 }
        return Set(zip(packages, cores).map { "\($0).\($1)" }).count
    }

    private static func memory(_ meminfo: String) -> Int64 {
        let total = values(of: "MemTotal", in: meminfo).first?.split(separator: " ").first
        return total.flatMap { Int64($0) }.map { $0 * 1024 } ?? 0
    }

    private static func values(of name: String, in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let key = line[..<colon].filter { $0 != "\t" }.trimmingSpaces
            return key == name ? line[line.index(after: colon)...].trimmingSpaces : nil
        }
    }

    private static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        String(drop(while: { $0 == " " }).reversed().drop(while: { $0 == " " }).reversed())
    }
}
