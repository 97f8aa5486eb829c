/// How much of what a pool of workers has is reserved, and how much of that is used.
///
/// Each worker counts by its size: a full worker of 2 cores and an empty one of 6 make 0.25, not
/// 0.5.  Workers without GPUs say nothing about GPUs.
///
/// Units: shares from 0 to 1; an efficiency may be more where attempts use more than they reserved.
package struct PoolUtilisation: Hashable, Sendable {
    /// The share of the cores that is reserved; `nil` where there are none.
    package var cpu: Double?
    /// The share of the memory that is reserved.
    package var memory: Double?
    /// The share of the GPUs that is reserved: of each the larger one of its time and its memory.
    package var gpu: Double?
    /// What is used of the cores that are reserved, on the workers that have measured; `nil` where
    /// nothing is reserved or none has.
    package var cpuEfficiency: Double?
    /// The same of memory.
    package var memoryEfficiency: Double?

    /// The mean of the shares of cores, memory and GPUs, as far as there are any; 0 without workers.
    package var overall: Double { Self.mean([cpu, memory, gpu]) ?? 0 }

    /// The mean of the efficiencies; `nil` where there is none.
    package var efficiency: Double? { Self.mean([cpuEfficiency, memoryEfficiency]) }

    /// The figures of these workers together.
    ///
    /// Complexity: O(workers and their devices).
    package init(_ workers: [WorkerUsage]) {
        var (total, free) = (Sums(), Sums())
        var (reserved, used) = (Sums(), Sums())
        var devices = (memory: 0.0, reserved: 0.0)
        for worker in workers {
            total.add(worker.total.milliCores, worker.total.memoryBytes)
            free.add(worker.free.milliCores, worker.free.memoryBytes)
            for (whole, left) in zip(worker.total.devices, worker.free.devices) {
                // A device that does not say its memory counts as one of a byte.
                let size = Double(max(1, whole.memoryBytes))
                let share = max(
                    Self.share(of: whole.milli, without: left.milli) ?? 0,
                    Self.share(of: whole.memoryBytes, without: left.memoryBytes) ?? 0)
                devices.memory += size
                devices.reserved += share * size
            }
            guard let measured = worker.measured else { continue }
            reserved.add(
                worker.total.milliCores - worker.free.milliCores,
                worker.total.memoryBytes - worker.free.memoryBytes)
            used.add(measured.milliCores, measured.memoryBytes)
        }
        cpu = Self.part(total.cores - free.cores, of: total.cores)
        memory = Self.part(total.memory - free.memory, of: total.memory)
        gpu = Self.part(devices.reserved, of: devices.memory)
        cpuEfficiency = Self.part(used.cores, of: reserved.cores)
        memoryEfficiency = Self.part(used.memory, of: reserved.memory)
    }

    private struct Sums {
        var cores = 0.0
        var memory = 0.0

        mutating func add(_ milliCores: Int64, _ memoryBytes: Int64) {
            cores += Double(milliCores)
            memory += Double(memoryBytes)
        }
    }

    private static func part(_ part: Double, of whole: Double) -> Double? {
        whole > 0 ? part / whole : nil
    }

    private static func share(of whole: Int64, without left: Int64) -> Double? {
        part(Double(whole - left), of: Double(whole))
    }

    private static func mean(_ values: [Double?]) -> Double? {
        let known = values.compactMap { $0 }
        return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }
}
