import CFanfoldSystem
import FanfoldCore

/// One GPU, as NVIDIA's management library describes it.
package struct GraphicsCard: Hashable, Sendable {
    /// The model.
    package var name: String
    /// Which one it is, on whatever machine.
    package var uuid: String
    /// Bytes of its own memory.
    package var memoryBytes: Int64
    /// Bytes of it that are in use, by anybody.
    package var usedMemoryBytes: Int64
    /// How much of the last moment it was busy: 0 to 100.
    package var utilizationPercent: Int
    /// Its place, as the library counts.
    package var index: Int
}

/// What one process has on one GPU.
package struct GraphicsProcess: Hashable, Sendable {
    /// The process.
    package var process: Int32
    /// The place of the GPU.
    package var device: Int
    /// Bytes of the GPU's memory.
    package var memoryBytes: Int64
}

/// Why the GPUs of a machine could not be read.
package enum GraphicsProblem: Error, Hashable, CustomStringConvertible {
    /// The library is there and of no use.
    case unusable(String)
    /// One of its functions answered this.
    case answered(Int)

    package var description: String {
        switch self {
        case .unusable(let why): "NVML cannot be used: \(why)"
        case .answered(let code):
            "NVML answered \(code) (nvmlReturn_t); `nvidia-smi` says more, and without it no GPU "
                + "is offered"
        }
    }
}

/// The GPUs of this machine, read again and again.
///
/// Calls may come from any thread, one at a time.
package final class GraphicsCards: @unchecked Sendable {
    // Unchecked: the handle is set once and used under the meter's lock.
    private let handle: OpaquePointer?
    /// Why there are none, if not because there is no library.
    package let problem: GraphicsProblem?

    /// GPUs of one machine, at most.
    package static let maximum = 64
    /// Processes that compute on all of them, at most.
    package static let maximumProcesses = 4096
    /// What the driver installs.
    package static let library = "libnvidia-ml.so.1"

    /// Opens the library, if the machine has it.
    package init(library: String = GraphicsCards.library) {
        var status: Int32 = 0
        handle = fan_nvml_open(library, &status)
        switch Int(status) {
        case 0, FAN_NVML_NO_LIBRARY: problem = nil
        case FAN_NVML_NO_FUNCTION:
            problem = .unusable("\(library) lacks a function of version 2 of the library")
        case FAN_NVML_NO_MEMORY: problem = .unusable("memory is out")
        default: problem = .answered(Int(status))
        }
    }

    deinit { fan_nvml_close(handle) }

    /// What there is now; devices that do not answer are left out.
    package func read() -> (cards: [GraphicsCard], problem: GraphicsProblem?) {
        guard let handle else { return ([], problem) }
        var devices = [fan_nvml_device](repeating: .init(), count: Self.maximum)
        var status: Int32 = 0
        let count = fan_nvml_read(handle, &devices, Int32(Self.maximum), &status)
        let cards = devices.prefix(Int(count)).map { device in
            GraphicsCard(
                name: Self.text(device.name), uuid: Self.text(device.uuid),
                memoryBytes: Int64(clamping: device.memory_bytes),
                usedMemoryBytes: Int64(clamping: device.used_memory_bytes),
                utilizationPercent: Int(device.utilization_percent), index: Int(device.index))
        }
        return (cards, status == 0 ? nil : .answered(Int(status)))
    }

    /// Where the cards are: the memory node of each, and which are linked to one another.
    ///
    /// A group holds cards of which each is linked directly to each other one, so that on a machine
    /// whose links are no full mesh a card is in the first group that it is linked to as a whole.
    ///
    /// Parameter files: where the bus says the node of each device.
    package func places(
        of cards: [GraphicsCard], files: SystemFiles = SystemFiles()
    ) -> [DevicePlace] {
        guard let handle else { return cards.map { _ in .unknown } }
        let found = cards.map { card in
            var place = fan_nvml_place()
            return fan_nvml_read_place(handle, Int32(card.index), &place) == 1 ? place : nil
        }
        var groups: [[Int]] = []
        for (card, place) in zip(cards, found) {
            guard let place, place.linked != 0 else { continue }
            let isLinked = { (other: Int) in place.linked >> UInt64(other) & 1 == 1 }
            if let group = groups.firstIndex(where: { $0.allSatisfy(isLinked) }) {
                groups[group].append(card.index)
            } else {
                groups.append([card.index])
            }
        }
        return zip(cards, found).map { card, place in
            guard let place else { return .unknown }
            let group = groups.firstIndex { $0.count > 1 && $0.contains(card.index) }
            return DevicePlace(
                node: Self.node(of: place, files), link: UInt8(clamping: (group ?? -1) + 1))
        }
    }

    /// The memory node of a device of the bus, counted from 1; that of a machine that has but one
    /// says -1, which is the first.
    private static func node(of place: fan_nvml_place, _ files: SystemFiles) -> UInt8 {
        func hexadecimal(_ value: UInt32, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        let name =
            "\(hexadecimal(place.domain, 4)):\(hexadecimal(place.bus, 2)):"
            + "\(hexadecimal(place.device, 2)).0"
        return files.number("\(files.sys)/bus/pci/devices/\(name)/numa_node").map {
            UInt8(clamping: max(0, $0) + 1)
        } ?? 0
    }

    /// What processes have on the devices now; empty where the driver does not tell.
    package func uses() -> [GraphicsProcess] {
        guard let handle else { return [] }
        var uses = [fan_nvml_use](repeating: .init(), count: Self.maximumProcesses)
        let count = fan_nvml_read_uses(handle, &uses, Int32(Self.maximumProcesses))
        return uses.prefix(Int(count)).map {
            GraphicsProcess(
                process: $0.process, device: Int($0.device),
                memoryBytes: Int64(clamping: $0.memory_bytes))
        }
    }

    private static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
