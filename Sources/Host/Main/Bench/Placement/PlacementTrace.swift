import FanfoldCore
import Glibc

/// A cluster and what is to be placed on it, as the openb trace has them.
struct PlacementTrace {
    /// A node of the cluster.
    struct Node {
        var name: String
        var total: ResourceVector
        var model: String
    }

    /// The nodes in the order of their names.
    var nodes: [Node]
    /// What is to be placed, in the order of the trace.
    var pods: [PlacementRequest]
    /// The name of the variant of the trace.
    var variant: String

    private static let mebibyte: Int64 = 1 << 20
    private static let prefix = "openb_pod_list_"

    /// Thousandths of all GPUs.
    var capacityMilli: Int64 {
        nodes.reduce(0) { $0 + Int64($1.total.devices.count) * 1000 }
    }

    /// Reads `nodes_gpu.csv` and a variant's `pods/openb_pod_list_VARIANT.csv`, plain or .gz.
    static func read(
        _ folder: String, variant: String
    ) throws(TraceFile.Failure) -> PlacementTrace {
        let base = "\(folder)/pods/\(prefix)\(variant).csv"
        return PlacementTrace(
            nodes: try nodes(file("\(folder)/nodes_gpu.csv")), pods: try pods(file(base)),
            variant: variant)
    }

    /// The variants whose files are there, by name.
    static func variants(in folder: String) -> [String] {
        guard let directory = opendir(folder + "/pods") else { return [] }
        defer { closedir(directory) }
        var names: Set<String> = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(prefix), let end = name.range(ofLast: ".csv") else { continue }
            names.insert(String(name[..<end].dropFirst(prefix.count)))
        }
        return names.sorted()
    }

    private static func file(_ path: String) throws(TraceFile.Failure) -> TraceFile {
        guard let found = TraceFile.first(of: [path, path + ".gz"]) else {
            throw TraceFile.Failure(
                description: "\(path): wanted this file of a placement trace, plain or .gz, found "
                    + "neither; TRACE is a folder with nodes_gpu.csv and pods/")
        }
        return try TraceFile(found)
    }

    private static func nodes(_ file: TraceFile) throws(TraceFile.Failure) -> [Node] {
        var nodes: [Node] = []
        for row in try file.rows(["sn", "cpu_milli", "memory_mib", "gpu", "model"]) {
            let gpus = try number(row[3], of: file)
            nodes.append(
                Node(
                    name: String(row[0]),
                    total: ResourceVector(
                        milliCores: try number(row[1], of: file),
                        memoryBytes: try number(row[2], of: file) * mebibyte,
                        devices: Array(
                            repeating: DeviceVector(memoryBytes: 0), count: Int(gpus))),
                    model: String(row[4])))
        }
        return nodes.sorted { $0.name < $1.name }
    }

    /// A pod without cores has a tenth of one, as in the published experiment.
    private static func pods(_ file: TraceFile) throws(TraceFile.Failure) -> [PlacementRequest] {
        var pods: [PlacementRequest] = []
        let columns = ["cpu_milli", "memory_mib", "num_gpu", "gpu_milli"]
        for row in try file.rows(columns, optional: ["gpu_spec"]) {
            let cores = max(try number(row[0], of: file), 0)
            let gpus = Int(try number(row[2], of: file))
            var request = ResourceRequest(
                milliCores: cores == 0 ? 100 : cores,
                memoryBytes: try number(row[1], of: file) * mebibyte, devices: gpus)
            if gpus > 0 { request.deviceMilli = try number(row[3], of: file) }
            if let problem = request.problem {
                throw TraceFile.Failure(description: "\(file.path): \(problem)")
            }
            let models = gpus > 0 ? row[4].split(separator: "|").map(String.init) : []
            pods.append(PlacementRequest(request, anyLabel: models))
        }
        return pods
    }

    private static func number(
        _ field: Substring, of file: TraceFile
    ) throws(TraceFile.Failure) -> Int64 {
        guard let number = Int64(field), (0...1 << 32).contains(number) else {
            throw TraceFile.Failure(
                description: "\(file.path): wanted a whole number up to 2^32, found `\(field)`")
        }
        return number
    }
}

extension String {
    /// Where the last occurrence of a short text begins.
    fileprivate func range(ofLast text: String) -> Index? {
        var place = endIndex
        while place > startIndex {
            place = index(before: place)
            if self[place...].hasPrefix(text) { return place }
        }
        return nil
    }
}
