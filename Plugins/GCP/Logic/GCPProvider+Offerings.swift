import FanfoldJSON
import PluginClouds
import PluginKit

extension GCPProvider {
    /// How long an instance takes until its worker is at work, in seconds; a guess to begin with.
    static let bootSeconds = 45.0
    /// How likely spot is taken back within an hour; Google publishes no figure.
    static let interruption = 0.02

    /// Says what is for rent.
    public func offerings(
        _ query: JSON, _ call: ProviderCall<EndOfOfferings>
    ) throws(PluginError) {
        zone(configuration.zones[...], call)
    }

    private func zone(_ zones: ArraySlice<String>, _ call: ProviderCall<EndOfOfferings>) {
        guard let zone = zones.first else { return call.succeed(EndOfOfferings()) }
        page(of: zone, "", call) { self.zone(zones.dropFirst(), call) }
    }

    private func page(
        of zone: String, _ token: String, _ call: ProviderCall<EndOfOfferings>,
        then done: @escaping @Sendable () -> Void
    ) {
        var members = [(name: "maxResults", value: "500")]
        if !token.isEmpty { members.append(("pageToken", token)) }
        let path =
            "/zones/\(CloudText.percentEncoded(zone))/machineTypes?" + CloudText.query(members)
        send("GET", path, for: call) { result in
            call.attempt { () throws(PluginError) in
                let answer = try result.get()
                let next = answer.json?["nextPageToken"]?.stringValue ?? ""
                call.emit(offered(answer, zone)) {
                    next.isEmpty ? done() : page(of: zone, next, call, then: done)
                }
            }
        }
    }

    private func offered(_ answer: HTTPAnswer, _ zone: String) -> [Offering] {
        let types = configuration.types
        let table = configuration.priceTable
        let region = zone.split(separator: "-").dropLast().joined(separator: "-")
        return (answer.json?["items"]?.arrayValue ?? []).flatMap { item -> [Offering] in
            guard let name = item["name"]?.stringValue, types.contains(name),
                let cpu = item["guestCpus"]?.doubleValue,
                let memory = item["memoryMb"]?.integerValue
            else { return [] }
            let accelerators = item["accelerators"]?.arrayValue ?? []
            let gpus = accelerators.reduce(0.0) {
                $0 + ($1["guestAcceleratorCount"]?.doubleValue ?? 0)
            }
            let memories = accelerators.map {
                gcpAcceleratorMemoryMiB[$0["guestAcceleratorType"]?.stringValue ?? ""]
            }
            let gpuMemory = memories.contains(nil) ? nil : memories.compactMap { $0 }.min()
            return [GCPMarket.onDemand, .spot].compactMap { market in
                let isSpot = market == .spot
                guard
                    let price = isSpot ? configuration.spotPrices[name] : table.hourly[name]
                else { return nil }
                return Offering(
                    id: GCPOffering(zone: zone, type: name, market: market).id, region: region,
                    zone: zone, cpu: cpu, memoryBytes: memory << 20, gpu: gpus,
                    gpuMemoryBytes: gpuMemory.map { $0 << 20 },
                    market: isSpot ? .spot : .onDemand, pricePerHour: price,
                    currency: table.currency, asOf: table.asOf,
                    available: item["deprecated"] == nil,
                    interruption: isSpot ? Self.interruption : 0, bootSeconds: Self.bootSeconds)
            }
        }
    }

    /// Says whether credentials, permissions and quota are good.
    public func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
        list("labels.fanfold=worker", for: call) { result in
            switch result {
            case .failure(let error) where error.code == .unauthenticated:
                call.succeed([ProviderCheck("credentials", ok: false, fix: error.message)])
            case .failure(let error) where error.code == .denied || error.code == .invalid:
                call.succeed([
                    ProviderCheck("credentials", ok: true),
                    ProviderCheck("may describe", ok: false, fix: error.message),
                ])
            case .failure(let error): call.fail(error)
            case .success:
                checkZones(
                    configuration.zones[...],
                    [
                        ProviderCheck("credentials", ok: true),
                        ProviderCheck("may describe", ok: true),
                    ], call)
            }
        }
    }

    private func checkZones(
        _ zones: ArraySlice<String>, _ before: [ProviderCheck],
        _ call: ProviderCall<[ProviderCheck]>
    ) {
        guard let zone = zones.first else { return checkQuota(before, call) }
        let path = "/zones/\(CloudText.percentEncoded(zone))/machineTypes?maxResults=1"
        send("GET", path, for: call) { result in
            var found = ProviderCheck("zone \(zone)", ok: true)
            if case .failure(let error) = result {
                found = ProviderCheck("zone \(zone)", ok: false, fix: error.message)
            }
            checkZones(zones.dropFirst(), before + [found], call)
        }
    }

    /// The quotas of the first zone's region: what is used up is said.
    private func checkQuota(_ before: [ProviderCheck], _ call: ProviderCall<[ProviderCheck]>) {
        let zone = configuration.zones.first ?? ""
        let region = zone.split(separator: "-").dropLast().joined(separator: "-")
        send("GET", "/regions/\(CloudText.percentEncoded(region))", for: call) { result in
            var found = ProviderCheck("quota of \(region)", ok: true)
            switch result {
            case .failure(let error):
                found = ProviderCheck("quota of \(region)", ok: false, fix: error.message)
            case .success(let answer):
                let full = (answer.json?["quotas"]?.arrayValue ?? []).filter { quota in
                    let limit = quota["limit"]?.doubleValue ?? 0
                    return ["CPUS", "INSTANCES", "DISKS_TOTAL_GB"].contains(
                        quota["metric"]?.stringValue ?? "")
                        && (quota["usage"]?.doubleValue ?? 0) >= limit
                }.compactMap { $0["metric"]?.stringValue }
                if !full.isEmpty {
                    found = ProviderCheck(
                        "quota of \(region)", ok: false,
                        fix: "ask Google for more: \(full.joined(separator: ", ")) is used up")
                }
            }
            call.succeed(before + [found])
        }
    }
}
