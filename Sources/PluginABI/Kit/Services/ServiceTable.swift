import CPluginABI

extension HostHandle {
    /// The table of a service; `nil` if the host withholds it, or has a shorter one.
    ///
    /// The first four bytes of every table are its size.
    func service<Table>(_ id: String, as type: Table.Type) -> UnsafePointer<Table>? {
        guard let host, let table = host.pointee.service(host, id),
            table.load(as: UInt32.self) >= UInt32(MemoryLayout<Table>.size)
        else { return nil }
        return table.assumingMemoryBound(to: Table.self)
    }

    /// HTTP by the host: its TLS, proxy, retries, rate limits and signing.
    ///
    /// `nil` if the host withholds `fanfold.http/1`.
    public var http: HostHTTP? {
        guard let host, let table = service("fanfold.http/1", as: fan_http.self) else { return nil }
        return HostHTTP(host: host, table: table)
    }

    /// Work without threads of the plugin's own.
    ///
    /// `nil` if the host withholds `fanfold.lane/1`.
    public var lane: HostLane? {
        guard let host, let table = service("fanfold.lane/1", as: fan_lane.self) else { return nil }
        return HostLane(host: host, table: table)
    }

    /// Small values that the host keeps for the component, from run to run.
    ///
    /// `nil` if the host withholds `fanfold.store/1`.
    public var store: HostStore? {
        guard let host, let table = service("fanfold.store/1", as: fan_store.self) else {
            return nil
        }
        return HostStore(host: host, table: table)
    }

    /// Figures of the component.
    ///
    /// `nil` if the host withholds `fanfold.metrics/1`.
    public var metrics: HostMetrics? {
        guard let host, let table = service("fanfold.metrics/1", as: fan_metrics.self) else {
            return nil
        }
        return HostMetrics(host: host, table: table)
    }

    /// Memory that crosses to another process without a copy.
    ///
    /// `nil` if the host withholds `fanfold.blob/1`.
    public var blobs: HostBlobs? {
        guard let host, let table = service("fanfold.blob/1", as: fan_blobs.self) else {
            return nil
        }
        return HostBlobs(host: host, table: table)
    }
}
