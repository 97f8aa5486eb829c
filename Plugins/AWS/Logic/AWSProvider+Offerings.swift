import FanfoldJSON
import PluginClouds
import PluginKit

/// What EC2 says of an instance type.
struct AWSType: Hashable {
    var name: String
    var cpu: Double
    var memoryBytes: Int64
    var gpu: Double
    /// Of the smallest GPU.
    var gpuMemoryBytes: Int64?

    init?(_ item: XMLElement) {
        name = item.text("instanceType")
        guard let cpu = Double(item["vCpuInfo"]?.text("defaultVCpus") ?? ""),
            let mebibytes = Int64(item["memoryInfo"]?.text("sizeInMiB") ?? "")
        else { return nil }
        self.cpu = cpu
        memoryBytes = mebibytes << 20
        let gpus = item["gpuInfo"]?.items("gpus") ?? []
        gpu = gpus.reduce(0) { $0 + (Double($1.text("count")) ?? 0) }
        gpuMemoryBytes = gpus.compactMap { Int64($0["memoryInfo"]?.text("sizeInMiB") ?? "") }
            .min().map { $0 << 20 }
    }
}

extension AWSProvider {
    /// Offerings on one page.
    static let pageSize = 100
    /// How long an instance takes until its worker is at work, in seconds; a guess to begin with.
    static let bootSeconds = 60.0
    /// How likely spot is taken back within an hour: five in a hundred a month is the lowest band of
    /// the spot advisor, and this is well above it.
    static let interruption = 0.01

    /// Says what is for rent.
    public func offerings(
        _ query: JSON, _ call: ProviderCall<EndOfOfferings>
    ) throws(PluginError) {
        let types = configuration.types
        // The kinds first, then where they are, then what spot costs there now.
        pages("DescribeInstanceTypes", Self.filter("instance-type", types), for: call) { result in
            call.attempt { () throws(PluginError) in
                let found = try result.get().flatMap { $0.items("instanceTypeSet") }
                    .compactMap(AWSType.init)
                let kinds = Dictionary(
                    found.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
                places(of: kinds, call)
            }
        }
    }

    private func places(of kinds: [String: AWSType], _ call: ProviderCall<EndOfOfferings>) {
        let members =
            [(name: "LocationType", value: "availability-zone")]
            + Self.filter("instance-type", kinds.keys.sorted())
        pages("DescribeInstanceTypeOfferings", members, for: call) { result in
            call.attempt { () throws(PluginError) in
                let wanted = Set(configuration.zones)
                let places = try result.get().flatMap { $0.items("instanceTypeOfferingSet") }
                    .map { (zone: $0.text("location"), type: $0.text("instanceType")) }
                    .filter { kinds[$0.type] != nil }
                    .filter { wanted.isEmpty || wanted.contains($0.zone) }
                    .sorted { ($0.type, $0.zone) < ($1.type, $1.zone) }
                guard configuration.markets.contains(.spot), !kinds.isEmpty else {
                    return emit(offered(places, kinds, [:])[...], call)
                }
                spotPrices(of: kinds.keys.sorted(), call) { prices in
                    emit(offered(places, kinds, prices)[...], call)
                }
            }
        }
    }

    /// The newest price of each place: from now on, by the cloud's own clock.
    private func spotPrices(
        of types: [String], _ call: ProviderCall<EndOfOfferings>,
        done: @escaping ([String: SpotPrice]) -> Void
    ) {
        var members = types.prefix(100).enumerated().map { index, type in
            (name: "InstanceType.\(index + 1)", value: type)
        }
        members.append(("ProductDescription.1", "Linux/UNIX"))
        api.send("DescribeAvailabilityZones", [], for: call) { result in
            call.attempt { () throws(PluginError) in
                let (_, answer) = try result.get()
                let date = answer.headers["date"]?.stringValue ?? ""
                if let now = CloudText.time(ofHeader: date) { members.append(("StartTime", now)) }
                pages("DescribeSpotPriceHistory", members, for: call) { result in
                    call.attempt { () throws(PluginError) in
                        done(SpotPrice.newest(in: try result.get()))
                    }
                }
            }
        }
    }

    private func offered(
        _ places: [(zone: String, type: String)], _ kinds: [String: AWSType],
        _ spot: [String: SpotPrice]
    ) -> [Offering] {
        let table = configuration.priceTable
        return places.flatMap { place -> [Offering] in
            guard let kind = kinds[place.type] else { return [] }
            return configuration.markets.compactMap { market in
                let id = AWSOffering(zone: place.zone, type: place.type, market: market).id
                let now = spot[place.zone + "/" + place.type]
                let price = market == .spot ? now?.price : table.hourly[place.type]
                guard let price else { return nil }
                return Offering(
                    id: id, region: configuration.region, zone: place.zone, cpu: kind.cpu,
                    memoryBytes: kind.memoryBytes, gpu: kind.gpu,
                    gpuMemoryBytes: kind.gpuMemoryBytes,
                    market: market == .spot ? .spot : .onDemand, pricePerHour: price,
                    currency: table.currency,
                    asOf: market == .spot ? now?.time ?? table.asOf : table.asOf,
                    available: true, interruption: market == .spot ? Self.interruption : 0,
                    bootSeconds: Self.bootSeconds)
            }
        }
    }

    private func emit(_ offerings: ArraySlice<Offering>, _ call: ProviderCall<EndOfOfferings>) {
        guard !offerings.isEmpty else { return call.succeed(EndOfOfferings()) }
        call.emit(Array(offerings.prefix(Self.pageSize))) {
            emit(offerings.dropFirst(Self.pageSize), call)
        }
    }

    static func filter(_ name: String, _ values: [String]) -> [(name: String, value: String)] {
        [(name: "Filter.1.Name", value: name)]
            + values.enumerated().map { ("Filter.1.Value.\($0 + 1)", $1) }
    }
}

/// What spot costs in one place.
struct SpotPrice {
    var price: Double
    var time: String

    /// The newest of each place, by `ZONE/TYPE`; times of RFC 3339 are in order as text.
    static func newest(in documents: [XMLElement]) -> [String: SpotPrice] {
        var newest: [String: SpotPrice] = [:]
        for item in documents.flatMap({ $0.items("spotPriceHistorySet") }) {
            guard let price = Double(item.text("spotPrice")), price > 0 else { continue }
            let place = item.text("availabilityZone") + "/" + item.text("instanceType")
            let time = item.text("timestamp")
            if let known = newest[place], known.time >= time { continue }
            newest[place] = SpotPrice(price: price, time: time)
        }
        return newest
    }
}
