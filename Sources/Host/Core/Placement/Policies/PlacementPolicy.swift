/// How a worker is chosen among those that have room, by name.
///
/// The first five are for use.  The others are what published results were measured with, and are
/// here so that `fanfold bench placement` shows them beside ours.
package enum PlacementPolicy: String, CaseIterable, Hashable, Sendable {
    /// The best fit: the mean of Nomad's score of cores and memory, and of the GPUs alone.
    case fitness
    /// The worker that is fullest afterwards, by its dominant share.
    case pack
    /// The worker that is emptiest afterwards, by its dominant share.
    case spread
    /// Fragmentation gradient descent: where typical requests lose least.
    case fgd
    /// Our own: where what typical requests can still use, and how many of them, shrinks least.
    case keepUsable = "keep-usable"
    /// The first worker that has room.
    case firstFit = "first-fit"
    /// The least cores and GPUs left, in parts of the largest worker.
    case bestFit = "best-fit"
    /// Tetris: the least product of what is free and what is asked for.
    case dotProduct = "dot-product"
    /// Requests for as many GPUs together.
    case clustering
    /// Shared GPUs before whole ones, and workers in use before idle ones.
    case packing
    /// Any worker that has room, with the same chance for each.
    case random

    /// Policies that a coordinator can be told to use.
    package static let forUse: [PlacementPolicy] = [.fitness, .pack, .spread, .fgd, .keepUsable]

    /// Whether its scores depend on ``TypicalRequests``.
    var needsTypicalRequests: Bool { self == .fgd || self == .keepUsable }

    /// Whether it tries each device that has room, and not the fullest alone.
    var choosesDevices: Bool { needsTypicalRequests }
}

/// What is to be placed: amounts, and labels of which one is enough.
package struct PlacementRequest: Hashable, Sendable {
    /// Amounts, and labels that the worker must have, all of them.
    package var resources: ResourceRequest
    /// Labels of which the worker must have one, such as models of GPUs; empty for no matter.
    package var anyLabel: [String]

    /// A request.
    package init(_ resources: ResourceRequest, anyLabel: [String] = []) {
        self.resources = resources
        self.anyLabel = anyLabel
    }

    /// Thousandths of devices, all together.
    package var allDeviceMilli: Int64 { Int64(resources.devices) * resources.deviceMilli }

    /// Whether a worker with these labels may take it.
    func accepts(_ labels: [String]) -> Bool {
        resources.labels.allSatisfy { labels.contains($0) }
            && (anyLabel.isEmpty || anyLabel.contains { labels.contains($0) })
    }
}

/// Where a request was put.
package struct ChosenPlace: Hashable, Sendable {
    /// The worker's number.
    package var node: Int
    /// Which of its devices, by their numbers there.
    package var devices: [Int]
}
