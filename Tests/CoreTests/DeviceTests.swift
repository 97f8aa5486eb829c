import Testing

@testable import FanfoldCore

@Suite struct DeviceTests {
    @Test func `an attempt that starts is told its devices, and a queued one none`() {
        let env = TestEnv(cores: [])
        let devices = [DeviceVector(memoryBytes: 10), DeviceVector(memoryBytes: 10)]
        env.on(
            .workerRegistered(
                WorkerSpec(
                    id: worker0,
                    capacity: ResourceVector(
                        milliCores: 8000, memoryBytes: 1 << 30, devices: devices))))
        env.on(
            .shapeDeclared(
                ShapeID(1),
                ShapeSpec(
                    task: task0, needs: ResourceRequest(devices: 1, deviceMemoryBytes: 8))))
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(1)), count: 4)
        let effects = env.on(.strategySplit(task0, added: added, state: .end))
        let orders = effects.flatMap { effect -> [Assignment] in
            if case .start(_, let orders) = effect { return orders }
            return []
        }
        let running = orders.filter { $0.slot != nil }
        #expect(running.map(\.devices) == [[0], [1]])
        #expect(orders.allSatisfy { $0.slot != nil || $0.devices.isEmpty })
    }
}
