import FanfoldJSON
import PluginClouds
import PluginKit

/// Requests to AWS, and what its errors mean to the host.
struct AWSAPI: Sendable {
    let http: HostHTTP
    let configuration: AWSConfiguration

    /// Sends an action of EC2; a failure is for `done` too.
    func send<Answer>(
        _ action: String, _ members: [(name: String, value: String)],
        for call: ProviderCall<Answer>,
        done: @escaping (Result<(XMLElement, HTTPAnswer), PluginError>) -> Void
    ) {
        let form = CloudText.body(
            [("Action", action), ("Version", "2016-11-15")] + members)
        let request = HTTPRequest(
            "POST", url("ec2"),
            headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            signing: signing("ec2"), body: Array(form.utf8))
        http.result(of: request, for: call) { result in
            do throws(PluginError) {
                let answer = try result.get()
                done(.success((try Self.read(answer), answer)))
            } catch {
                done(.failure(error))
            }
        }
    }

    /// Sends an operation of a service that speaks JSON.
    func send<Answer>(
        _ service: String, _ target: String, _ body: JSON, for call: ProviderCall<Answer>,
        done: @escaping (Result<JSON, PluginError>) -> Void
    ) {
        let request = HTTPRequest(
            "POST", url(service),
            headers: [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target)],
            signing: signing(service), body: body.bytes)
        http.result(of: request, for: call) { result in
            do throws(PluginError) {
                done(.success(try Self.readJSON(try result.get())))
            } catch {
                done(.failure(error))
            }
        }
    }

    /// Where a service is.
    private func url(_ service: String) -> String {
        guard configuration.endpoint.isEmpty else {
            let end = configuration.endpoint
            return end.hasSuffix("/") ? end : end + "/"
        }
        let domain =
            configuration.region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return "https://\(service).\(configuration.region).\(domain)/"
    }

    private func signing(_ service: String) -> HTTPSigning {
        HTTPSigning(
            "aws-sigv4", secret: configuration.secret,
            options: JSONObject([
                ("service", .string(service)), ("region", .string(configuration.region)),
                ("profile", .string(configuration.profile)),
            ]))
    }

    /// The document of an answer.
    ///
    /// Throws: what an error means; `unavailable` for what is no XML.
    static func read(_ answer: HTTPAnswer) throws(PluginError) -> XMLElement {
        let root = XMLElement.parse(answer.body)
        let isRefusal = root?.name == "Response" || root?.name == "ErrorResponse"
        let problem = isRefusal ? root?.first("Error") : nil
        guard answer.status < 400, problem == nil else {
            throw refusal(
                problem?.text("Code") ?? "", problem?.text("Message") ?? "", answer)
        }
        guard let root else {
            throw PluginError(
                .unavailable, retry: .later, reason: "http.body",
                "wanted XML in the answer of AWS, found \(answer.body.count) bytes that are none")
        }
        return root
    }

    private static func readJSON(_ answer: HTTPAnswer) throws(PluginError) -> JSON {
        let json = answer.json
        // com.amazonaws.ssm#ParameterNotFound, or without what stands before the hash.
        let type = json?["__type"]?.stringValue ?? ""
        guard answer.status < 400, type.isEmpty else {
            let code = type.split(separator: "#").last.map(String.init) ?? ""
            let said = json?["message"]?.stringValue ?? json?["Message"]?.stringValue ?? ""
            throw refusal(code, said, answer)
        }
        guard let json else {
            throw PluginError(
                .unavailable, retry: .later, reason: "http.body",
                "wanted JSON in the answer of AWS, found \(answer.body.count) bytes that are none")
        }
        return json
    }

    /// What the host is told of a refusal.
    static func refusal(_ code: String, _ said: String, _ answer: HTTPAnswer) -> PluginError {
        guard code != awsMismatch else {
            return PluginError(
                .exists, reason: "request.\(code)",
                "AWS has this launch token with other parameters: \(said.prefix(240)); "
                    + "launch with a new token")
        }
        return awsErrors.error(code, said, answer)
    }
}
