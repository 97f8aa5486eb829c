/// What has been asked for so far, as far as it tells what will be: the commonest requests.
///
/// Learned anew each time that twice as many have come, so that what is kept about workers stays
/// good for long; older ones count less once there are many.
struct TypicalRequests: Hashable, Sendable {
    /// A request and its share.
    struct Typical: Hashable, Sendable {
        var request: PlacementRequest
        var share: Double
        /// All GPUs over those of workers that could ever take it, when it was learned.
        var scarcity = 1.0
    }

    /// The commonest, that make up ``Limits/typicalShare`` of all; their shares add up to 1.
    var list: [Typical] = []
    /// By shape, how many came.
    var counts: ContiguousArray<Double> = []
    var total = 0.0
    var nextLesson = Limits.firstLessonRequests
    /// GPUs of all workers when the list was made.
    var devices = 0
    /// Whether the list was given, and nothing is learned.
    private var isFixed = false

    /// Counts requests of a shape.
    ///
    /// Returns: Whether it is time to learn.
    mutating func note(_ shape: Int, count: Int) -> Bool {
        guard !isFixed else { return false }
        while counts.count <= shape { counts.append(0) }
        counts[shape] += Double(count)
        total += Double(count)
        return total >= nextLesson
    }

    /// Whether there are more than twice the GPUs that the list was made with, or less than half.
    func isOutgrown(by devices: Int) -> Bool {
        !isFixed && total >= Limits.firstLessonRequests
            && (devices > 2 * self.devices || 2 * devices < self.devices)
    }

    /// Makes the list of what has been counted.
    mutating func learn(_ shapes: [PlacementRequest], _ kinds: [NodeKind]) {
        let known = zip(counts, shapes).map { ($0, $1) }
        list = Self.commonest(known)
        measureScarcity(kinds)
        guard total >= nextLesson else { return }
        if nextLesson >= Limits.remembersRequests {
            for shape in counts.indices { counts[shape] = (counts[shape] / 2).rounded(.down) }
            total = counts.reduce(0, +)
        }
        nextLesson = min(2 * max(total, nextLesson / 2), Limits.remembersRequests)
    }

    /// Takes these for typical from now on.
    mutating func fix(_ counted: [(Double, PlacementRequest)], _ kinds: [NodeKind]) {
        isFixed = true
        list = Self.commonest(counted)
        measureScarcity(kinds)
    }

    /// Kept with the list, so that it does not matter when something else is made of it.
    private mutating func measureScarcity(_ kinds: [NodeKind]) {
        devices = kinds.reduce(0) { $0 + $1.count * $1.total.devices.count }
        for index in list.indices {
            let request = list[index].request
            let able = kinds.reduce(0) {
                let devices = $1.total.devices.count
                let isAble = request.accepts($1.labels) && devices >= request.resources.devices
                return $0 + (isAble ? $1.count * devices : 0)
            }
            list[index].scarcity = Double(max(1, devices)) / Double(max(1, able))
        }
    }

    private static func commonest(_ counted: [(Double, PlacementRequest)]) -> [Typical] {
        let all = counted.reduce(0) { $0 + $1.0 }
        guard all > 0 else { return [] }
        let order = counted.indices.sorted {
            counted[$0].0 == counted[$1].0 ? $0 < $1 : counted[$0].0 > counted[$1].0
        }
        var found: [Typical] = []
        var sum = 0.0
        for index in order.prefix(Limits.typicalRequests) {
            if sum >= all * Limits.typicalShare || counted[index].0 <= 0 { break }
            sum += counted[index].0
            found.append(Typical(request: counted[index].1, share: counted[index].0))
        }
        for index in found.indices { found[index].share /= sum }
        return found
    }
}
