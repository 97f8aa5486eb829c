/// Where on its machine a device is, as far as the machine tells.
package struct DevicePlace: Hashable, Sendable {
    /// The memory node (NUMA) it is attached to, counted from 1; 0 where nobody knows.
    package var node: UInt8
    /// The group of devices that are all linked directly to one another (NVLink), counted from 1 on
    /// each machine; 0 for a device without such links.
    package var link: UInt8

    /// A place; an unknown one unless told otherwise.
    package init(node: UInt8 = 0, link: UInt8 = 0) {
        self.node = node
        self.link = link
    }

    /// Nothing is known.
    package static let unknown = DevicePlace()
}

/// How near to one another the devices of one subtask must be.
package enum DeviceTopology: UInt8, Hashable, Sendable, CaseIterable {
    /// Wherever they are; near ones are taken where there is a choice.
    case any = 0
    /// On one memory node.
    case node = 1
    /// Linked directly to one another.
    case link = 2
}

extension DeviceVector {
    /// The devices among `able` that a request for several gets: those linked to one another before
    /// those of one memory node before any; of groups that are large enough the smallest, so that
    /// larger ones stay whole.
    ///
    /// - Parameters:
    ///   - able: places in `devices`, those that are to be taken first in front.
    ///   - topology: what must hold; a device whose place is unknown is in no group.
    /// - Returns: `count` of them; `nil` where no group is large enough.
    /// - Complexity: O(devices), and nothing is looked at where no place is known.
    static func together(
        _ able: [Int], of devices: [DeviceVector], count: Int, topology: DeviceTopology
    ) -> [Int]? {
        guard able.count >= count else { return nil }
        guard count > 1, able.contains(where: { devices[$0].place != .unknown }) else {
            return count > 1 && topology != .any ? nil : Array(able.prefix(count))
        }
        if let linked = group(able, count, by: { devices[$0].place.link }) { return linked }
        if topology == .link { return nil }
        if let near = group(able, count, by: { devices[$0].place.node }) { return near }
        return topology == .node ? nil : Array(able.prefix(count))
    }

    /// The first `count` of the smallest group that has so many.
    private static func group(
        _ able: [Int], _ count: Int, by number: (Int) -> UInt8
    ) -> [Int]? {
        var members: [UInt8: Int] = [:]
        for device in able { members[number(device), default: 0] += 1 }
        members[0] = nil
        let best = members.filter { $0.value >= count }.min {
            ($0.value, $0.key) < ($1.value, $1.key)
        }
        guard let best else { return nil }
        return Array(able.filter { number($0) == best.key }.prefix(count))
    }

    /// The most devices of a machine that are as near to one another as is asked for.
    static func largestGroup(_ devices: [DeviceVector], _ topology: DeviceTopology) -> Int {
        guard topology != .any else { return devices.count }
        var members: [UInt8: Int] = [:]
        for device in devices {
            let number = topology == .link ? device.place.link : device.place.node
            if number > 0 { members[number, default: 0] += 1 }
        }
        return max(devices.isEmpty ? 0 : 1, members.values.max() ?? 0)
    }
}
