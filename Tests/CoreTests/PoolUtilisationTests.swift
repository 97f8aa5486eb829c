import Testing

@testable import FanfoldCore

/// The numbers of the design's page on resources.
@Suite struct PoolUtilisationTests {
    private func worker(
        cores: Int64, free: Int64, memory: Int64, freeMemory: Int64,
        gpus: [(milli: Int64, memory: Int64, freeMemory: Int64)] = [],
        used: (cores: Int64, memory: Int64)? = nil
    ) -> WorkerUsage {
        WorkerUsage(
            worker: WorkerID(0), phase: .active,
            total: ResourceVector(
                milliCores: cores * 1000, memoryBytes: memory << 20,
                devices: gpus.map { DeviceVector(memoryBytes: $0.memory << 20) }),
            free: ResourceVector(
                milliCores: free * 1000, memoryBytes: freeMemory << 20,
                devices: gpus.map {
                    DeviceVector(milli: $0.milli, memoryBytes: $0.freeMemory << 20)
                }),
            measured: used.map {
                MeasuredUse(milliCores: $0.cores * 1000, memoryBytes: $0.memory << 20)
            }, slots: 0, queued: 0)
    }

    @Test func `half of the cores and half of the memory reserved is one half`() {
        let pool = PoolUtilisation([worker(cores: 8, free: 4, memory: 16384, freeMemory: 8192)])
        #expect(pool.cpu == 0.5)
        #expect(pool.memory == 0.5)
        #expect(pool.gpu == nil)
        #expect(pool.overall == 0.5)
    }

    @Test func `a GPU of which half is reserved keeps it one half`() {
        let pool = PoolUtilisation([
            worker(
                cores: 8, free: 4, memory: 16384, freeMemory: 8192, gpus: [(500, 8192, 4096)])
        ])
        #expect(pool.gpu == 0.5)
        #expect(pool.overall == 0.5)
    }

    @Test func `workers count by their size`() {
        let pool = PoolUtilisation([
            worker(cores: 2, free: 0, memory: 1024, freeMemory: 0),
            worker(cores: 6, free: 6, memory: 3072, freeMemory: 3072),
        ])
        #expect(pool.cpu == 0.25)
        #expect(pool.memory == 0.25)
    }

    @Test func `workers without GPUs say nothing about GPUs`() {
        let pool = PoolUtilisation([
            worker(cores: 64, free: 64, memory: 1024, freeMemory: 1024),
            worker(cores: 1, free: 1, memory: 1024, freeMemory: 1024, gpus: [(0, 8192, 0)]),
        ])
        #expect(pool.gpu == 1)
        #expect(pool.cpu == 0)
    }

    @Test func `a GPU of which the memory is gone is full, whatever time is left`() {
        let pool = PoolUtilisation([
            worker(
                cores: 1, free: 1, memory: 1024, freeMemory: 1024,
                gpus: [(900, 8192, 0), (1000, 8192, 8192)])
        ])
        #expect(pool.gpu == 0.5)
    }

    @Test func `what is used of what is reserved is the efficiency`() {
        let pool = PoolUtilisation([
            worker(cores: 8, free: 4, memory: 16384, freeMemory: 8192, used: (2, 4096)),
            // It has not measured: it says nothing.
            worker(cores: 8, free: 0, memory: 16384, freeMemory: 0),
        ])
        #expect(pool.cpuEfficiency == 0.5)
        #expect(pool.memoryEfficiency == 0.5)
        #expect(pool.efficiency == 0.5)
    }

    @Test func `without workers nothing is reserved`() {
        let pool = PoolUtilisation([])
        #expect(pool.overall == 0)
        #expect(pool.efficiency == nil)
    }
}
