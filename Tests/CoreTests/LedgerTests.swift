import Testing

@testable import FanfoldCore

@Suite struct LedgerTests {
    @Test func `reserving and releasing are idempotent by id`() {
        var ledger = Ledger(total: ResourceVector(milliCores: 2000, memoryBytes: 100))
        let request = ResourceRequest(milliCores: 2000, memoryBytes: 100)
        let done1 = ledger.reserve(request, by: slot(0))
        #expect(done1)
        let done2 = ledger.reserve(request, by: slot(0))
        #expect(done2)
        let done3 = ledger.reserve(ResourceRequest(milliCores: 1), by: slot(1))
        #expect(!done3)
        let done4 = ledger.release(slot(0))
        #expect(done4)
        let done5 = ledger.release(slot(0))
        #expect(!done5)
        #expect(ledger.free == ledger.total)
        #expect(ledger.violations() == [])
    }

    @Test func `two halves of two devices are not one device`() {
        let devices = [
            DeviceVector(memoryBytes: 10), DeviceVector(memoryBytes: 10),
        ]
        var ledger = Ledger(
            total: ResourceVector(milliCores: 9000, memoryBytes: 0, devices: devices))
        let half = ResourceRequest(devices: 2, deviceMilli: 500, deviceMemoryBytes: 5)
        let done6 = ledger.reserve(half, by: slot(0))
        #expect(done6)
        #expect(!ledger.fits(ResourceRequest(devices: 1, deviceMilli: 501)))
        #expect(ledger.fits(ResourceRequest(devices: 1, deviceMilli: 500)))
    }

    @Test func `half of what is reserved in use is an efficiency of one half`() {
        var ledger = Ledger(total: ResourceVector(milliCores: 8000, memoryBytes: 16384))
        let done7 = ledger.reserve(
            ResourceRequest(milliCores: 4000, memoryBytes: 8192), by: slot(0))
        #expect(done7)
        ledger.measured = MeasuredUse(milliCores: 2000, memoryBytes: 4096)
        #expect(ledger.efficiency.cpu == 0.5)
        #expect(ledger.efficiency.memory == 0.5)
    }

    @Test func `an attempt id has twelve bytes and a subtask twenty-four`() {
        #expect(MemoryLayout<AttemptID>.stride == 12)
        #expect(MemoryLayout<SubtaskRecord>.stride == 24)
    }
}
