import FanfoldPlugins
import Foundation
import Testing

@testable import FanfoldServices

@Suite struct `Signature Version 4` {
    /// The key of AWS's test suite for Signature Version 4.
    private let suite = AWSCredentials(
        accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    /// The key of the examples of the Amazon S3 API Reference.
    private let s3 = AWSCredentials(
        accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    private func authorization(
        _ signer: SigV4, _ method: String, _ url: String, _ headers: [(String, String)] = [],
        body: String = "", at unixSeconds: Int64
    ) throws -> String {
        let request = OutgoingRequest(
            method: method, url: try HTTPServiceURL(url),
            headers: headers.map { HTTPServiceHeader($0.0, $0.1) }, body: Array(body.utf8))
        let signed = signer.signed(request, unixSeconds: unixSeconds)
        return try #require(signed.headers.first { $0.name == "Authorization" }).value
    }

    /// Source: aws-sig-v4-test-suite, published by AWS: 2015-08-30T12:36:00Z, us-east-1, service.
    @Test func `AWS's test suite`() throws {
        let signer = SigV4(credentials: suite, service: "service", region: "us-east-1")
        let url = "https://example.amazonaws.com"
        let table: [(String, String, [(String, String)], String)] = [
            (
                "GET", "/", [],
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
            ),
            (
                "GET", "/?Param1=value1", [],
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"
            ),
            (
                "GET", "/?Param2=value2&Param1=value1", [],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            ),
            (
                "POST", "/", [],
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
            ),
            (
                "POST", "/", [("My-Header1", "value1")],
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"
            ),
        ]
        for (method, target, headers, signature) in table {
            let found = try authorization(
                signer, method, url + target, headers, at: 1_440_938_160)
            #expect(found.hasSuffix("Signature=\(signature)"), "\(method) \(target)")
            #expect(
                found.hasPrefix(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                        + "aws4_request, SignedHeaders=host;"))
        }
    }

    /// Source: AWS General Reference, Examples of signature calculations: IAM ListUsers.
    @Test func `the example of the General Reference`() throws {
        let signer = SigV4(credentials: suite, service: "iam", region: "us-east-1")
        let found = try authorization(
            signer, "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            at: 1_440_938_160)
        #expect(
            found
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date, Signature="
                + "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    }

    /// Source: Amazon S3 API Reference, Authenticating Requests, examples: 2013-05-24.
    @Test func `the examples of S3`() throws {
        let signer = SigV4(credentials: s3, service: "s3", region: "us-east-1")
        let url = "https://examplebucket.s3.amazonaws.com"
        let range = try authorization(
            signer, "GET", url + "/test.txt", [("Range", "bytes=0-9")], at: 1_369_353_600)
        #expect(
            range.hasSuffix("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"))
        let put = try authorization(
            signer, "PUT", url + "/test%24file.text",
            [
                ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ], body: "Welcome to Amazon S3.", at: 1_369_353_600)
        #expect(put.hasSuffix("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
        let lifecycle = try authorization(
            signer, "GET", url + "/?lifecycle", at: 1_369_353_600)
        #expect(
            lifecycle.hasSuffix("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
        let list = try authorization(
            signer, "GET", url + "/?max-keys=2&prefix=J", at: 1_369_353_600)
        #expect(
            list.hasSuffix("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    @Test(.enabled(if: Botocore.isThere, "botocore is missing: SIGV4 WAS NOT COMPARED WITH IT"))
    func `botocore signs a thousand random requests in the same way`() throws {
        var chance = SplitMix(state: 20_261_125)
        let requests = (0..<1_000).map { _ in RandomRequest(&chance) }
        let theirs = try Botocore.sign(requests)
        #expect(theirs.count == requests.count)
        for (request, signature) in zip(requests, theirs) {
            let credentials = AWSCredentials(
                accessKey: "AKIDEXAMPLE", secretKey: request.secret, sessionToken: request.token)
            let signer = SigV4(
                credentials: credentials, service: request.service, region: request.region)
            let ours = try authorization(
                signer, request.method, request.url, request.headers, body: request.body,
                at: request.unixSeconds)
            #expect(ours == signature, "\(request)")
        }
    }

    @Test func `credentials are read in each of their forms`() {
        let texts = [
            #"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T"}"#,
            #"{"access_key_id":"A","secret_access_key":"S","session_token":"T"}"#,
            #"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"}"#,
            "[default]\naws_access_key_id = A\naws_secret_access_key=S\naws_session_token =T\n",
            "aws_access_key_id=A\naws_secret_access_key=S\naws_session_token=T",
            "[other]\naws_access_key_id=X\naws_secret_access_key=Y\n# no\n[default]\n"
                + "aws_access_key_id=A\naws_secret_access_key=S\naws_session_token=T",
        ]
        for text in texts {
            let found = AWSCredentials(text, profile: "default")
            #expect(found?.accessKey == "A", "\(text)")
            #expect(found?.secretKey == "S")
            #expect(found?.sessionToken == "T")
            #expect(found.map { "\($0)" } == "(secret)")
        }
        #expect(AWSCredentials(texts[5], profile: "other")?.accessKey == "X")
        for text in ["", "{}", "key", "[default]\naws_access_key_id=A", #"{"AccessKeyId":"A"}"#] {
            #expect(AWSCredentials(text, profile: "default") == nil, "\(text)")
        }
    }
}

/// The same numbers for the same seed.
///
/// Source: G. Steele and others, SplitMix64, 2014.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A request that is put together by chance, escaped as AWS wants it.
private struct RandomRequest: Codable {
    struct Header: Codable {
        var name: String
        var value: String
    }

    var method: String
    var url: String
    var named: [Header]
    var body: String
    var service: String
    var region: String
    var secret: String
    var token: String?
    var unixSeconds: Int64

    var headers: [(String, String)] { named.map { ($0.name, $0.value) } }

    init(_ chance: inout SplitMix) {
        func text(_ most: Int, _ letters: String, _ chance: inout SplitMix) -> String {
            let all = Array(letters)
            return String(
                (0..<Int.random(in: 0...most, using: &chance)).map { _ in
                    all.randomElement(using: &chance) ?? "a"
                })
        }
        let anything = "abcXYZ019-_.~ /=&+%:@,;*'()!$#?[]äß→"
        service = ["ec2", "s3", "sts", "iam"].randomElement(using: &chance) ?? "ec2"
        region = ["us-east-1", "eu-central-1"].randomElement(using: &chance) ?? "us-east-1"
        method = ["GET", "POST", "PUT", "DELETE"].randomElement(using: &chance) ?? "GET"
        secret = "k" + text(40, "abcXYZ019+/", &chance)
        token = Bool.random(using: &chance) ? "t" + text(60, "abcXYZ019+/=", &chance) : nil
        unixSeconds = Int64.random(in: 946_684_800...4_000_000_000, using: &chance)
        body = text(200, anything, &chance)
        var path = ""
        for _ in 0..<Int.random(in: 0...4, using: &chance) {
            let step = ["", ".", "..", nil, nil, nil, nil].randomElement(using: &chance) ?? nil
            path += "/" + (step ?? Escapes.escaped(Array(text(8, anything, &chance).utf8)))
        }
        let pairs = (0..<Int.random(in: 0...5, using: &chance)).map { _ in
            "k" + Escapes.escaped(Array(text(6, anything, &chance).utf8)) + "="
                + Escapes.escaped(Array(text(6, anything, &chance).utf8))
        }
        let host = ["ec2.eu.amazonaws.com", "localhost:5000", "a.example"]
        url =
            "https://" + (host.randomElement(using: &chance) ?? "a") + (path.isEmpty ? "/" : path)
            + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        named = (0..<Int.random(in: 0...4, using: &chance)).map { number in
            Header(
                name: ["X-Amz-Meta-\(number)", "Content-Type", "Range", "User-Agent", "Accept"]
                    .randomElement(using: &chance) ?? "Accept",
                value: "v" + text(20, "abc XYZ  019\t-_/=,;", &chance))
        }
    }
}

/// The Python library that signs for AWS's own tools.
private enum Botocore {
    static let isThere = (try? run("import botocore.auth, botocore.awsrequest", [])) != nil

    /// The `Authorization` of each request.
    static func sign(_ requests: [RandomRequest]) throws -> [String] {
        try JSONDecoder().decode(
            [String].self, from: run(script, JSONEncoder().encode(requests)))
    }

    private static func run(_ script: String, _ input: some DataProtocol) throws -> Data {
        let folder = TestFolder()
        let file = folder.write("requests.json", String(decoding: input, as: UTF8.self))
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, file]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return data
    }

    private static let script = """
        import datetime, json, sys
        import botocore.auth
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        answers = []
        for asked in json.load(open(sys.argv[1])):
            now = datetime.datetime.fromtimestamp(asked["unixSeconds"], datetime.timezone.utc)
            botocore.auth.get_current_datetime = lambda *a, **k: now.replace(tzinfo=None)
            keys = Credentials("AKIDEXAMPLE", asked["secret"], asked.get("token"))
            kind = S3SigV4Auth if asked["service"] == "s3" else SigV4Auth
            request = AWSRequest(asked["method"], asked["url"], data=asked["body"].encode())
            for header in asked["named"]:
                request.headers.add_header(header["name"], header["value"])
            request.context["payload_signing_enabled"] = True
            kind(keys, asked["service"], asked["region"]).add_auth(request)
            answers.append(request.headers["Authorization"])
        print(json.dumps(answers))
        """
}
