/// A part of the workers' time that runs share with the runs of other queues.
package struct QueueSpec: Hashable, Sendable {
    /// What runs name it by.
    package var name: String
    /// How much it gets beside others: twice the weight, twice the share; 1 to
    /// ``Limits/queueWeight``.
    package var weight: Int
    /// What it may hold at a time.
    package var quota: Quota

    /// A queue; of weight 1 and without a quota unless told otherwise.
    package init(name: String, weight: Int = 1, quota: Quota = Quota()) {
        self.name = name
        self.weight = weight
        self.quota = quota
    }

    /// The queue of runs that name none: it is always there.
    package static let defaultName = "default"
}

/// What a queue may hold at a time, in each dimension; `nil` for as much as there is.
///
/// A request that is larger than the quota by itself never runs in the queue, borrowed or not:
/// what is borrowed may have to be given back.
package struct Quota: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64?
    /// Bytes of memory.
    package var memoryBytes: Int64?
    /// Thousandths of devices, all devices together.
    package var deviceMilli: Int64?
    /// What it may hold beyond that while no other queue that is within its quota could use it.
    package var borrowing: Borrowing

    /// A quota; none in a dimension that is not given.
    package init(
        milliCores: Int64? = nil, memoryBytes: Int64? = nil, deviceMilli: Int64? = nil,
        borrowing: Borrowing = .nothing
    ) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.deviceMilli = deviceMilli
        self.borrowing = borrowing
    }

    /// Whether any dimension has a limit.
    package var isLimited: Bool {
        milliCores != nil || memoryBytes != nil || deviceMilli != nil
    }

    /// How much of a dimension is the queue's own; `nil` for as much as there is.
    package func limit(of dimension: ResourceDimension) -> Int64? {
        switch dimension {
        case .cpu: milliCores
        case .memory: memoryBytes
        case .gpu: deviceMilli
        case .label: nil
        }
    }

    /// The first dimension in which an amount is more than the quota: how much is allowed there.
    package func exceeded(by amount: ResourceAmount) -> (ResourceDimension, limit: Int64)? {
        if let milliCores, amount.milliCores > milliCores { return (.cpu, milliCores) }
        if let memoryBytes, amount.memoryBytes > memoryBytes { return (.memory, memoryBytes) }
        if let deviceMilli, amount.deviceMilli > deviceMilli { return (.gpu, deviceMilli) }
        return nil
    }

    /// The most that the queue may ever hold, what is borrowed included: a quota by which nothing
    /// is borrowed.
    package var ceiling: Quota {
        switch borrowing {
        case .nothing: self
        case .anything: Quota()
        case .atMost(let limit):
            Quota(
                milliCores: Self.sum(milliCores, limit.milliCores),
                memoryBytes: Self.sum(memoryBytes, limit.memoryBytes),
                deviceMilli: Self.sum(deviceMilli, limit.deviceMilli))
        }
    }

    /// What may be held where so much is one's own and so much more may be borrowed; `nil` for as
    /// much as there is.
    private static func sum(_ own: Int64?, _ borrowed: Int64?) -> Int64? {
        guard let own, let borrowed else { return nil }
        let (sum, overflow) = own.addingReportingOverflow(borrowed)
        return overflow ? .max : sum
    }
}

/// What a queue may hold beyond its quota.
package enum Borrowing: Hashable, Sendable {
    /// Nothing.
    case nothing
    /// Whatever idles.
    case anything
    /// What idles, up to a limit.
    case atMost(BorrowingLimit)
}

/// How much more than its quota a queue may hold, in each dimension; `nil` for whatever idles.
package struct BorrowingLimit: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64?
    /// Bytes of memory.
    package var memoryBytes: Int64?
    /// Thousandths of devices, all devices together.
    package var deviceMilli: Int64?

    /// A limit; none in a dimension that is not given.
    package init(
        milliCores: Int64? = nil, memoryBytes: Int64? = nil, deviceMilli: Int64? = nil
    ) {
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
        self.deviceMilli = deviceMilli
    }
}

/// How much of each dimension many requests, or many workers, have together.
package struct ResourceAmount: Hashable, Sendable {
    /// Thousandths of a core.
    package var milliCores: Int64 = 0
    /// Bytes of memory.
    package var memoryBytes: Int64 = 0
    /// Thousandths of devices.
    package var deviceMilli: Int64 = 0

    /// Nothing.
    package init() {}

    /// What one request holds.
    package init(_ request: ResourceRequest) {
        milliCores = request.milliCores
        memoryBytes = request.memoryBytes
        let (product, overflow) = Int64(request.devices).multipliedReportingOverflow(
            by: request.deviceMilli)
        deviceMilli = overflow ? .max : product
    }

    /// What a worker has.
    package init(_ vector: ResourceVector) {
        milliCores = vector.milliCores
        memoryBytes = vector.memoryBytes
        deviceMilli = vector.devices.reduce(0) { $0 &+ $1.milli }
    }

    /// The sum, which wraps: what a worker claims to have may be any number.
    package static func + (left: ResourceAmount, right: ResourceAmount) -> ResourceAmount {
        var sum = left
        sum.milliCores &+= right.milliCores
        sum.memoryBytes &+= right.memoryBytes
        sum.deviceMilli &+= right.deviceMilli
        return sum
    }

    /// The difference, which wraps.
    package static func - (left: ResourceAmount, right: ResourceAmount) -> ResourceAmount {
        var difference = left
        difference.milliCores &-= right.milliCores
        difference.memoryBytes &-= right.memoryBytes
        difference.deviceMilli &-= right.deviceMilli
        return difference
    }

    /// So many times the amount, which wraps.
    package static func * (amount: ResourceAmount, count: Int) -> ResourceAmount {
        var product = amount
        product.milliCores &*= Int64(count)
        product.memoryBytes &*= Int64(count)
        product.deviceMilli &*= Int64(count)
        return product
    }

    /// The dominant share: the largest of the shares of the total, over all dimensions.
    ///
    /// Units: 1 is everything there is; 0 where there is nothing to share.
    /// Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011.
    package func dominantShare(of total: ResourceAmount) -> Double {
        var share = 0.0
        func consider(_ part: Int64, _ whole: Int64) {
            if whole > 0 { share = max(share, Double(part) / Double(whole)) }
        }
        consider(milliCores, total.milliCores)
        consider(memoryBytes, total.memoryBytes)
        consider(deviceMilli, total.deviceMilli)
        return share
    }
}
