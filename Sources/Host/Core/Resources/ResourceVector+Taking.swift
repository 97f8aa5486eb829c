extension ResourceVector {
    /// Takes out as many such requests as there is room for, at most `count` and
    /// ``Limits/slotsPerWorkerAndShape``.
    ///
    /// The devices are those that a ``Ledger`` would give to one request after the other.
    /// Returns: How many were taken out.
    /// Complexity: O(1) without devices; otherwise O(taken x devices).
    mutating func take(_ request: ResourceRequest, upTo count: Int) -> Int {
        guard request.devices > 0 else {
            let taken = min(max(0, count), Ledger.count(of: request, in: self))
            milliCores -= request.milliCores * Int64(taken)
            memoryBytes -= request.memoryBytes * Int64(taken)
            return taken
        }
        var taken = 0
        while taken < min(count, Limits.slotsPerWorkerAndShape),
            request.milliCores <= milliCores, request.memoryBytes <= memoryBytes
        {
            let chosen = Ledger.devices(for: request, in: self)
            guard chosen.count == request.devices else { break }
            for device in chosen {
                devices[device].milli -= request.deviceMilli
                devices[device].memoryBytes -= request.deviceMemoryBytes
            }
            milliCores -= request.milliCores
            memoryBytes -= request.memoryBytes
            taken += 1
        }
        return taken
    }
}
