import Glibc

/// What tasks of a kind are given before anything is known of them.
package enum TaskKind: String, Hashable, Sendable, CaseIterable {
    case textEmbedding
    case textGeneration
    case vision
    case audio
    case multimodal
    case other

    /// Cores, megabytes and megabytes of a GPU at a batch of 32.
    private var atReference: (cores: Double, memory: Double, gpuMemory: Double) {
        switch self {
        case .textEmbedding: (2, 4096, 2048)
        case .textGeneration, .multimodal: (4, 8192, 4096)
        case .vision, .audio, .other: (2, 4096, 2048)
        }
    }

    /// What to give at this batch size: `(batch / 32)^a` times the kind's numbers, whole ones.
    ///
    /// Source: resources.md, "Cold defaults": a = 0.3 for cores, 0.8 for memory, 0.9 for the GPU.
    ///
    /// - Parameter batch: 1 or more.
    package func defaults(batch: Int = 32) -> ColdDefaults {
        let scale = Double(max(1, batch)) / 32
        let reference = atReference
        func whole(_ value: Double, _ exponent: Double) -> Int {
            max(1, Int(value * pow(scale, exponent)))
        }
        return ColdDefaults(
            cores: whole(reference.cores, 0.3),
            memoryMegabytes: whole(reference.memory, 0.8),
            gpuMegabytes: whole(reference.gpuMemory, 0.9))
    }
}

/// A request without history.
package struct ColdDefaults: Hashable, Sendable {
    /// Whole cores.
    package var cores: Int
    /// Of 2^20 bytes.
    package var memoryMegabytes: Int
    /// Of 2^20 bytes, on one device.
    package var gpuMegabytes: Int

    /// In the predictor's units.
    ///
    /// A task that wants no GPU has no default for its memory.
    package func quantities(wantsGPU: Bool) -> Quantities {
        Quantities(
            cpu: Double(cores), memory: Double(memoryMegabytes) * 1_048_576,
            gpuMemory: wantsGPU ? Double(gpuMegabytes) * 1_048_576 : nil)
    }
}
