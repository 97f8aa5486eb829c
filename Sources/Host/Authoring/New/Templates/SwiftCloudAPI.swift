// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-cloud/Sources/Cloud/API.swift: change that, then run it.
extension PluginTemplates {
    static let swiftCloudAPI = #"""
        import FanfoldJSON
        import PluginKit

        /// Requests to the fake cloud, and what its errors mean to the host.
        struct API: Sendable {
            let http: HostHTTP
            let endpoint: String
            let signing: HTTPSigning

            /// Sends a request; a failure, and an error that `done` throws, ends the call.
            func send<Answer, Body: Decodable>(
                _ method: String, _ path: String, _ body: JSON? = nil, for call: ProviderCall<Answer>,
                as type: Body.Type, _ done: @escaping (Body) throws(PluginError) -> Void
            ) {
                send(method, path, body, for: call, as: type) { (result: Result<Body, PluginError>) in
                    call.attempt { () throws(PluginError) in try done(result.get()) }
                }
            }

            /// Sends a request; a broken connection ends the call, every answer is for `done`.
            func send<Answer, Body: Decodable>(
                _ method: String, _ path: String, _ body: JSON? = nil, for call: ProviderCall<Answer>,
                as type: Body.Type, _ done: @escaping (Result<Body, PluginError>) -> Void
            ) {
                var request = HTTPRequest(method, endpoint + path, signing: signing)
                if let body { request = HTTPRequest(method, endpoint + path, signing: signing, json: body) }
                http.fetch(request, for: call) { (answer) throws(PluginError) in
                    do throws(PluginError) {
                        if let error = Self.refusal(answer) { throw error }
                        done(.success(try answer.decode(type)))
                    } catch {
                        done(.failure(error))
                    }
                }
            }

            /// What makes of an answer a failure; `nil` if it is none.
            ///
            /// A code in the body counts more than the status: some answer 200 and mean something else.
            static func refusal(_ answer: HTTPAnswer) -> PluginError? {
                let name = answer.json?["error"]?.stringValue
                guard name != nil || answer.status >= 400 else { return nil }
                let (code, retry) = classify(name ?? "", answer.status)
                let seconds = answer.headers["retry-after"]?.stringValue.flatMap { UInt32($0) } ?? 0
                let told = answer.json?["message"]?.stringValue ?? ""
                return PluginError(
                    code, retry: retry, after: seconds.multipliedReportingOverflow(by: 1_000).partialValue,
                    reason: "cloud.\((name ?? "\(answer.status)").prefix(40))",
                    "the cloud refused with \(name ?? "no reason") (status \(answer.status)): \(told); "
                        + advice(retry))
            }

            private static func classify(
                _ name: String, _ status: Int
            ) -> (PluginError.Code, PluginError.Retry) {
                switch (name, status) {
                case ("AuthFailure", _), ("ExpiredToken", _), ("", 401): (.unauthenticated, .renewed)
                case ("Forbidden", _), ("", 403): (.denied, .renewed)
                case ("QuotaExceeded", _), ("", 402): (.exhausted, .renewed)
                case ("InsufficientCapacity", _), ("", 409): (.exhausted, .elsewhere)
                case ("Throttled", _), ("", 429): (.exhausted, .later)
                case (_, 500...): (.unavailable, .later)
                default: (.invalid, .never)
                }
            }

            private static func advice(_ retry: PluginError.Retry) -> String {
                switch retry {
                case .never: "change the request"
                case .later: "try again later"
                case .elsewhere: "try another offering"
                case .renewed: "renew the credentials, the permissions or the quota"
                }
            }
        }

        /// Text as a part of a URL's query.
        ///
        /// Source: RFC 3986, section 2.3.
        func percentEncoded(_ text: String) -> String {
            let digits = Array("0123456789ABCDEF".utf8)
            var bytes: [UInt8] = []
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "~"):
                    bytes.append(byte)
                default:
                    bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// A page of `GET /v1/offerings`.
        struct OfferingPage: Decodable {
            struct Item: Decodable {
                var id, region, zone: String
                var cpu: Double
                var memory_bytes: Int64
                var gpu: Double
                var market: Offering.Market
                var price_per_hour: Double
                var currency, as_of: String
                var available: Bool
                var interruption, boot_s: Double

                var offering: Offering {
                    Offering(
                        id: id, region: region, zone: zone, cpu: cpu, memoryBytes: memory_bytes, gpu: gpu,
                        market: market, pricePerHour: price_per_hour, currency: currency, asOf: as_of,
                        available: available, interruption: interruption, bootSeconds: boot_s)
                }
            }

            var offerings: [Item]
            var next: String?
        }

        /// The workers of an answer.
        struct WorkerList: Decodable {
            var workers: [Worker]
        }

        /// The workers that could not be ended now.
        struct LeftList: Decodable {
            var left: [String]
        }

        """#
}
