import Testing

@testable import FanfoldPrediction

struct ColdDefaultsTests {
    @Test func `a batch of 64 text embeddings is given 2 cores, 7131 and 3821 megabytes`() {
        let defaults = TaskKind.textEmbedding.defaults(batch: 64)
        #expect(defaults == ColdDefaults(cores: 2, memoryMegabytes: 7131, gpuMegabytes: 3821))
    }

    @Test(arguments: [
        (TaskKind.textEmbedding, 2, 4096, 2048), (.textGeneration, 4, 8192, 4096),
        (.vision, 2, 4096, 2048), (.audio, 2, 4096, 2048), (.multimodal, 4, 8192, 4096),
        (.other, 2, 4096, 2048),
    ])
    func `a batch of 32 is given the kind's own numbers`(
        _ kind: TaskKind, _ cores: Int, _ memory: Int, _ gpu: Int
    ) {
        let wanted = ColdDefaults(cores: cores, memoryMegabytes: memory, gpuMegabytes: gpu)
        #expect(kind.defaults() == wanted)
    }

    @Test func `the smallest batch is still given a core`() {
        #expect(TaskKind.other.defaults(batch: 1).cores == 1)
    }

    @Test func `a task that wants no GPU has no default for its memory`() {
        let quantities = TaskKind.vision.defaults().quantities(wantsGPU: false)
        #expect(quantities[.gpuMemory] == nil)
        #expect(quantities[.memory] == 4_294_967_296.0)
    }
}
