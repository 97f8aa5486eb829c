/// What a worker has, and what of it is free.
///
/// Units: cores in thousandths, memory in bytes, a device's share in thousandths.
package struct ResourceVector: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64
    /// Bytes of memory.
    package var memoryBytes: Int64
    /// Each device apart: two halves of two devices are not one device.
    package var devices: [DeviceVector]

    /// What a worker has.
    package init(milliCores: Int64, memoryBytes: Int64, devices: [DeviceVector] = []) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.devices = devices
    }
}

/// One GPU, or what of it is free.
package struct DeviceVector: Hashable, Sendable {
    /// Thousandths of the device's time; a whole device has 1,000.
    package var milli: Int64
    /// Bytes of the device's own memory.
    package var memoryBytes: Int64
    /// Where it is.
    package var place: DevicePlace

    /// One device.
    package init(milli: Int64 = 1000, memoryBytes: Int64, place: DevicePlace = .unknown) {
        self.milli = milli
        self.memoryBytes = memoryBytes
        self.place = place
    }
}

/// What a subtask needs of the worker that runs it.
package struct ResourceRequest: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64
    /// Bytes of memory.
    package var memoryBytes: Int64
    /// How many devices, each another one.
    package var devices: Int
    /// Thousandths of each of these devices, at most 1,000.
    package var deviceMilli: Int64
    /// Bytes of each of these devices' own memory.
    package var deviceMemoryBytes: Int64
    /// How near to one another these devices must be.
    package var topology: DeviceTopology
    /// Labels that the worker must have, all of them.
    package var labels: [String]

    /// A request; one core and no stated memory unless told otherwise.
    package init(
        milliCores: Int64 = 1000, memoryBytes: Int64 = 0, devices: Int = 0,
        deviceMilli: Int64 = 1000, deviceMemoryBytes: Int64 = 0,
        topology: DeviceTopology = .any, labels: [String] = []
    ) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.devices = devices
        self.deviceMilli = deviceMilli
        self.deviceMemoryBytes = deviceMemoryBytes
        self.topology = topology
        self.labels = labels
    }

    /// What is wrong with the request, or `nil`.
    package var problem: String? {
        if milliCores < 0 { return "cores must not be negative, and are \(milliCores) thousandths" }
        if memoryBytes < 0 { return "memory must not be negative, and is \(memoryBytes) bytes" }
        if devices < 0 { return "GPUs must not be negative, and are \(devices)" }
        if devices > 0, !(1...1000).contains(deviceMilli) {
            return "a share of a GPU must be 1 to 1000 thousandths, and is \(deviceMilli)"
        }
        if deviceMemoryBytes < 0 {
            return "GPU memory must not be negative, and is \(deviceMemoryBytes) bytes"
        }
        return nil
    }
}
