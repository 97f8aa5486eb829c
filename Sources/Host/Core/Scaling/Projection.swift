/// The workers of all pools as they would be: work is packed on plain copies of what is free.
///
/// Workers of one kind that have the same free are one class, which is looked at once however many
/// they are.  Packing divides classes: some members are filled, perhaps one of them in part, the
/// rest stay as they are.
/// Shape: the members of a class are neighbours in `members`, so that dividing moves nobody.
struct Projection {
    /// What all workers of one pool and offering have.
    private struct Kind {
        var pool: Int
        var offering: Int
        var total: ResourceAmount
        var labels: [String]
    }

    /// Workers of one kind that have the same free.
    private struct Class {
        var kind: Int
        var free: ResourceVector
        /// The largest used share over all dimensions.
        var use: Double
        /// Where its members begin in `members`.
        var first: Int
        var count: Int
        /// Whether all of it was filled by the request that is being packed.
        var isMoved = false
    }

    /// What makes workers one class.
    private struct Room: Hashable {
        var kind: Int
        var free: ResourceVector
    }

    private var kinds: [Kind] = []
    private var classes: [Class] = []
    /// Places of classes: the fullest first.
    private var order: [Int] = []
    /// Workers, class by class; each has the number under which it was added.
    private var members: [Int] = []
    /// Where each worker is in `members`.
    private var positions: [Int] = []
    /// The workers that have names; looked up only.
    private var numbers: [String: Int] = [:]

    /// Adds workers that have names, with what runs on them.
    ///
    /// Complexity: O(workers and what runs on them, and classes).
    mutating func add(
        _ workers: [(name: String, pool: Int, offering: Int, running: [ScalingDemand])],
        _ settings: ScalingSettings
    ) {
        var places: [Room: Int] = [:]
        var grouped: [(room: Room, names: [String])] = []
        for worker in workers {
            let offering = settings.pools[worker.pool].offerings[worker.offering]
            let kind = kind(worker.pool, worker.offering, offering)
            var room = Room(kind: kind, free: offering.resources)
            occupy(&room, with: worker.running)
            if let place = places[room] {
                grouped[place].names.append(worker.name)
            } else {
                places[room] = grouped.count
                grouped.append((room, [worker.name]))
            }
        }
        var added: [Int] = []
        for group in grouped {
            for (place, name) in group.names.enumerated() {
                numbers[name] = positions.count + place
            }
            added.append(append(group.room, count: group.names.count))
        }
        insert(added)
    }

    /// Adds workers that have nothing to do.
    mutating func add(count: Int, pool: Int, offering place: Int, _ offering: ScalingOffering) {
        guard count > 0 else { return }
        let room = Room(kind: kind(pool, place, offering), free: offering.resources)
        insert([append(room, count: count)])
    }

    /// Removes a worker with what was packed on it.
    ///
    /// Complexity: O(classes).
    mutating func remove(_ name: String) {
        guard let number = numbers[name],
            let place = classes.firstIndex(where: {
                $0.first <= positions[number] && positions[number] < $0.first + $0.count
            })
        else { return }
        let last = classes[place].first + classes[place].count - 1
        let other = members[last]
        members.swapAt(positions[number], last)
        positions[other] = positions[number]
        positions[number] = last
        classes[place].count -= 1
    }

    /// Packs on the fullest first, so that others can become empty; among equally full ones in the
    /// order of pools and offerings.
    ///
    /// Returns: How many found no room.
    /// Complexity: O(classes), whatever the number of workers.
    mutating func pack(_ request: ResourceRequest, count: Int) -> Int {
        var left = count
        guard left > 0 else { return left }
        let isAble = kinds.map { kind in request.labels.allSatisfy { kind.labels.contains($0) } }
        var changed: [Int] = []
        for place in order where left > 0 {
            guard classes[place].count > 0, isAble[classes[place].kind],
                request.milliCores <= classes[place].free.milliCores,
                request.memoryBytes <= classes[place].free.memoryBytes
            else { continue }
            fill(place, request, &left, &changed)
        }
        insert(changed)
        return left
    }

    /// Fills a class, or as many of its members as are needed; classes that are to be put elsewhere
    /// in the order are added to `changed`.
    private mutating func fill(
        _ place: Int, _ request: ResourceRequest, _ left: inout Int, _ changed: inout [Int]
    ) {
        let before = classes[place]
        var full = before.free
        let each = full.take(request, upTo: left)
        guard each > 0 else { return }
        let filled = min(before.count, left / each)
        left -= filled * each
        if filled == before.count {
            change(place, to: full)
            classes[place].isMoved = true
            return changed.append(place)
        }
        if filled > 0 { changed.append(divide(filled, from: place, full)) }
        if left > 0 {
            var part = before.free
            left -= part.take(request, upTo: left)
            changed.append(divide(1, from: place, part))
        }
    }

    /// Workers of the pool that would be fully busy.
    func load(of pool: Int) -> Double {
        order.reduce(0) { sum, place in
            kinds[classes[place].kind].pool == pool
                ? sum + classes[place].use * Double(classes[place].count) : sum
        }
    }

    /// Workers of the pool.
    func count(of pool: Int) -> Int {
        classes.reduce(0) { $0 + (kinds[$1.kind].pool == pool ? $1.count : 0) }
    }

    // MARK: Classes

    private mutating func kind(_ pool: Int, _ place: Int, _ offering: ScalingOffering) -> Int {
        if let known = kinds.firstIndex(where: { $0.pool == pool && $0.offering == place }) {
            return known
        }
        kinds.append(
            Kind(
                pool: pool, offering: place, total: ResourceAmount(offering.resources),
                labels: offering.labels))
        return kinds.count - 1
    }

    private func occupy(_ room: inout Room, with running: [ScalingDemand]) {
        let labels = kinds[room.kind].labels
        for demand in running where demand.request.labels.allSatisfy({ labels.contains($0) }) {
            _ = room.free.take(demand.request, upTo: demand.count)
        }
    }

    private mutating func append(_ room: Room, count: Int) -> Int {
        classes.append(
            Class(
                kind: room.kind, free: room.free, use: use(room.kind, room.free),
                first: members.count, count: count))
        for _ in 0..<count {
            positions.append(members.count)
            members.append(members.count)
        }
        return classes.count - 1
    }

    private mutating func change(_ place: Int, to free: ResourceVector) {
        classes[place].free = free
        classes[place].use = use(classes[place].kind, free)
    }

    private mutating func divide(_ count: Int, from place: Int, _ free: ResourceVector) -> Int {
        var part = classes[place]
        part.count = count
        classes[place].first += count
        classes[place].count -= count
        classes.append(part)
        change(classes.count - 1, to: free)
        return classes.count - 1
    }

    private func use(_ kind: Int, _ free: ResourceVector) -> Double {
        (kinds[kind].total - ResourceAmount(free)).dominantShare(of: kinds[kind].total)
    }

    /// Puts classes where they belong in the order.
    ///
    /// Complexity: O(classes + added x log(classes)), and nothing is compared with all of them.
    private mutating func insert(_ added: [Int]) {
        guard !added.isEmpty else { return }
        if added.contains(where: { classes[$0].isMoved }) {
            order.removeAll { classes[$0].isMoved }
            for place in added { classes[place].isMoved = false }
        }
        var merged: [Int] = []
        merged.reserveCapacity(order.count + added.count)
        var done = 0
        for place in added.sorted(by: { isBefore($0, $1) }) {
            var (low, high) = (done, order.count)
            while low < high {
                let middle = (low + high) / 2
                if isBefore(order[middle], place) { low = middle + 1 } else { high = middle }
            }
            merged += order[done..<low]
            merged.append(place)
            done = low
        }
        order = merged + order[done...]
    }

    /// The fullest first; then by pool, offering and what is free, so that no name decides.
    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (one, other) = (classes[left].use, classes[right].use)
        if one != other { return one > other }
        let (kind, second) = (kinds[classes[left].kind], kinds[classes[right].kind])
        if (kind.pool, kind.offering) != (second.pool, second.offering) {
            return (kind.pool, kind.offering) < (second.pool, second.offering)
        }
        let (free, rest) = (classes[left].free, classes[right].free)
        if free.milliCores != rest.milliCores { return free.milliCores < rest.milliCores }
        if free.memoryBytes != rest.memoryBytes { return free.memoryBytes < rest.memoryBytes }
        for (device, another) in zip(free.devices, rest.devices) {
            let (share, size) = (device.milli, device.memoryBytes)
            if (share, size) != (another.milli, another.memoryBytes) {
                return (share, size) < (another.milli, another.memoryBytes)
            }
        }
        return left < right
    }
}
