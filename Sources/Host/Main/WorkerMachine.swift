import FanfoldCluster
import FanfoldRuntime
import FanfoldWire
import Logging
import Synchronization

extension WireCapabilities {
    /// What a machine has, GPUs and disk left out.
    init(_ facts: MachineFacts) {
        self.init()
        cpuModel = facts.processor
        milliCores = Int64(facts.logicalCores) * 1000
        memoryBytes = facts.memoryBytes
        cgroupMilliCores = facts.group.milliCores ?? 0
        cgroupMemoryBytes = facts.group.memoryBytes ?? 0
        operatingSystem = facts.operatingSystem
        architecture = facts.architecture
        hostName = facts.host
    }

    /// Takes over the GPUs; what keeps them from being read is logged.
    mutating func take(_ graphics: GraphicsCards, _ logger: Logger) {
        let found = graphics.read()
        if let problem = found.problem {
            logger.warning("GPUs are left out", metadata: ["why": "\(problem)"])
        }
        gpus = zip(found.cards, graphics.places(of: found.cards)).map { card, place in
            var gpu = WireGpu()
            gpu.name = card.name
            gpu.uuid = card.uuid
            gpu.memoryBytes = card.memoryBytes
            gpu.memoryNode = UInt32(place.node)
            gpu.linkGroup = UInt32(place.link)
            return gpu
        }
    }
}

/// What a worker uses, heartbeat by heartbeat.
final class WorkerMeter: Sendable {
    private let tree = Mutex(ProcessTree())
    private let folder: String
    private let graphics = Mutex(GraphicsCards())

    /// - Parameter folder: whose disk is measured.
    init(folder: String) { self.folder = folder }

    /// What this process and all below it use now, and what is free on the disk.
    @Sendable func read() -> WorkerUse {
        let use = tree.withLock { $0.look(at: monotonicNanoseconds()) }
        return WorkerUse(
            milliCores: use.milliCores, memoryBytes: use.memoryBytes,
            freeDiskBytes: MachineFacts.freeDisk(folder) ?? 0, graphics: graphicsUse())
    }

    /// Nothing if a GPU does not answer: the others would stand in its place.
    private func graphicsUse() -> [WorkerUse.GraphicsUse] {
        let (cards, problem) = graphics.withLock { $0.read() }
        guard problem == nil else { return [] }
        return cards.map {
            WorkerUse.GraphicsUse(percent: $0.utilizationPercent, memoryBytes: $0.usedMemoryBytes)
        }
    }
}
