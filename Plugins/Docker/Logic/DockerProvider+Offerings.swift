import FanfoldJSON
import PluginClouds
import PluginKit

extension DockerProvider {
    /// How long a container takes until its worker is at work, in seconds.
    static let bootSeconds = 2.0

    /// Says whether credentials, permissions and quota are good.
    public func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
        send("GET", "/info", for: call) { result in
            switch result {
            case .failure(let error) where error.retry == .later && error.code == .unavailable:
                call.succeed([ProviderCheck("engine", ok: false, fix: error.message)])
            case .failure(let error): call.fail(error)
            case .success(let answer):
                let sizes = sizeCheck(answer.json ?? .null)
                let image = CloudText.percentEncoded(configuration.image)
                send("GET", "/images/\(image)/json", for: call) { result in
                    var found = ProviderCheck("image", ok: true)
                    if case .failure(let error) = result {
                        found = ProviderCheck(
                            "image", ok: false,
                            fix: error.reason == "config./image" || error.code == .notFound
                                ? "build or pull \(configuration.image), see docs/providers.md"
                                : error.message)
                    }
                    call.succeed([ProviderCheck("engine", ok: true), sizes, found])
                }
            }
        }
    }

    /// Whether the machine is large enough for each size.
    private func sizeCheck(_ info: JSON) -> ProviderCheck {
        let cores = info["NCPU"]?.doubleValue ?? 0
        let memory = info["MemTotal"]?.integerValue ?? 0
        let tooLarge = configuration.sizes.filter { _, size in
            size.cpus > cores || size.memoryMiB << 20 > memory
        }.keys.sorted()
        return ProviderCheck(
            "sizes", ok: tooLarge.isEmpty,
            fix: tooLarge.isEmpty
                ? ""
                : "the engine has \(Int(cores)) cores and \(memory >> 20) MiB: make "
                    + tooLarge.joined(separator: ", ") + " smaller in /sizes")
    }

    /// Says what is for rent.
    public func offerings(
        _ query: JSON, _ call: ProviderCall<EndOfOfferings>
    ) throws(PluginError) {
        listed(for: call) { result in
            call.attempt { () throws(PluginError) in
                let running = try result.get().count { $0.worker.state != .gone }
                send("GET", "/info", for: call) { result in
                    call.attempt { () throws(PluginError) in
                        let answer = try result.get()
                        let page = offered(answer, isFree: running < configuration.most)
                        call.emit(page) { call.succeed(EndOfOfferings()) }
                    }
                }
            }
        }
    }

    private func offered(_ answer: HTTPAnswer, isFree: Bool) -> [Offering] {
        let cores = answer.json?["NCPU"]?.doubleValue ?? 0
        let memory = answer.json?["MemTotal"]?.integerValue ?? 0
        let date = answer.headers["date"]?.stringValue.flatMap(CloudText.time(ofHeader:))
        return configuration.sizes.sorted { $0.key < $1.key }.map { name, size in
            Offering(
                id: name, region: answer.json?["Name"]?.stringValue ?? "", cpu: size.cpus,
                memoryBytes: size.memoryMiB << 20, gpu: Double(size.gpus),
                gpuMemoryBytes: size.gpuMemoryBytes,
                pricePerHour: configuration.pricePerHour * size.cpus, currency: "USD",
                asOf: date ?? answer.json?["SystemTime"]?.stringValue ?? "",
                available: isFree && size.cpus <= cores && size.memoryMiB << 20 <= memory,
                bootSeconds: Self.bootSeconds)
        }
    }
}
